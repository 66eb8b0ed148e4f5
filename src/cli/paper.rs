//! `--out FILE` of the commands that answer about land: the same answer as a file that an officer opens.

use super::{Context, Failure};
use crate::flow::paper::{Paper, PaperError, format_of};
use std::path::PathBuf;

/// A file whose ending says a format that an answer has.
pub fn parse(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    format_of(&path).map(|_| path).map_err(|error| error.to_string())
}

/// Writes the answer, where a file was asked for.
pub async fn write(context: &Context, paper: impl FnOnce() -> Paper, out: Option<PathBuf>) -> Result<(), Failure> {
    let Some(path) = out else { return Ok(()) };
    paper().write(&context.pool().await?, path).await.map_err(|error| match error {
        PaperError::Format(_) => Failure::Usage(error.to_string()),
        PaperError::Write(_) => Failure::refused(error),
        PaperError::Store(_) | PaperError::Writer(_) => Failure::fault(error),
    })
}
