//! The program's entry: hands the command line over and ends with the status it is given.

use std::process::ExitCode;

fn main() -> ExitCode {
    landcycle::cli::main()
}
