//! How a command can end badly, and the exit status that says so to scripts. Knows whose doing it was; refuses to
//! decide how to go on.

use std::{error::Error, io, process::ExitCode};

use crate::{cluster::ClusterError, config::ConfigError};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The input or a rule says no, and nothing was changed. Status 1.
    Refused(String),
    /// The command or a setting is not what it should be. Status 2.
    Usage(String),
    /// Our fault, or the machine's. Status 3.
    Fault(String),
    /// Nobody reads the result any more, which is the reader's good right. Status 0, and not a word.
    Unread,
}

impl Failure {
    /// A refusal, with everything the error says about its causes.
    pub fn refused(error: impl Error) -> Self {
        Self::Refused(chain(&error))
    }

    /// Wrong usage, with everything the error says about its causes.
    pub fn usage(error: impl Error) -> Self {
        Self::Usage(chain(&error))
    }

    /// A fault, with everything the error says about its causes.
    pub fn fault(error: impl Error) -> Self {
        Self::Fault(chain(&error))
    }

    /// The same failure with what to do about it on a line of its own.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        if let Self::Refused(message) | Self::Usage(message) | Self::Fault(message) = &mut self {
            message.push('\n');
            message.push_str(hint);
        }
        self
    }

    /// The status the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Unread => 0,
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Fault(_) => 3,
        })
    }

    /// The word for it in a document.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Refused(_) => "refused",
            Self::Usage(_) => "usage",
            Self::Fault(_) => "fault",
        }
    }

    /// What is told to the user, if anything.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Refused(message) | Self::Usage(message) | Self::Fault(message) => Some(message),
            Self::Unread => None,
        }
    }
}

/// The message with its causes in the first line, so that hints on further lines stay at the end.
fn chain(error: &dyn Error) -> String {
    let said = error.to_string();
    let (first, hints) = said.split_once('\n').map_or((said.as_str(), None), |(first, hints)| (first, Some(hints)));
    let mut text = first.to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    if let Some(hints) = hints {
        text.push('\n');
        text.push_str(hints);
    }
    text
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::fault(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Unreadable { .. } => Self::fault(error),
            ConfigError::Malformed { .. } | ConfigError::Unusable { .. } => Self::Usage(chain(&error)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Unread } else { Self::fault(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_join_the_first_line_and_hints_stay_last() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not open the door\nknock first")]
        struct Door {
            source: io::Error,
        }
        let failure = Failure::fault(Door { source: io::Error::other("it is locked") });
        assert_eq!(failure.message(), Some("could not open the door: it is locked\nknock first"));
    }
}
