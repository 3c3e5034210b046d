//! One opaque error for the whole crate: a [`ErrorKind`] to branch on and a sentence for people.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, in the few classes that a caller can act on.
///
/// [`ErrorKind::code`] is the same string as the `code` of the JavaScript error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument that no run could honour: an unknown flag value, a zero size, a codec nobody knows.
    BadArgument,
    /// A model file, or an ONNX file, that is truncated, inconsistent or hostile.
    BadModel,
    /// A picture that is not one, or is larger than the stated limits.
    BadImage,
    /// Shapes that do not fit together, or do not fit the model.
    BadShape,
    /// An operator, or a form of one, that this crate does not know.
    UnsupportedOperator,
    /// A split that is not legal for the model, or a name that it does not have.
    UnknownSplit,
    /// A message on the wire that does not say what its form requires.
    BadMessage,
    /// The two ends hold different models or different splits.
    Mismatch,
    /// No connection to the server could be made, or it broke.
    ServerUnreachable,
    /// The server answered, with an error of its own.
    ServerError,
    /// The server has no room now; trying later is worth it.
    ServerBusy,
    /// A step took longer than it was allowed.
    Timeout,
    /// No usable graphics adapter.
    NoAdapter,
    /// The adapter's limits are too small for this plan.
    AdapterLimit,
    /// The graphics device failed or was lost.
    Device,
    /// The caller took its request back.
    Aborted,
    /// A download that failed, or was not what its checksum promised.
    Download,
    /// The file system refused.
    Io,
    /// A bug in this crate.
    Internal,
}

impl ErrorKind {
    const ALL: [Self; 19] = [
        Self::BadArgument,
        Self::BadModel,
        Self::BadImage,
        Self::BadShape,
        Self::UnsupportedOperator,
        Self::UnknownSplit,
        Self::BadMessage,
        Self::Mismatch,
        Self::ServerUnreachable,
        Self::ServerError,
        Self::ServerBusy,
        Self::Timeout,
        Self::NoAdapter,
        Self::AdapterLimit,
        Self::Device,
        Self::Aborted,
        Self::Download,
        Self::Io,
        Self::Internal,
    ];

    /// The kind whose [`Self::code`] this is.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// A stable, kebab-case name for logs and for JavaScript.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadArgument => "bad-argument",
            Self::BadModel => "bad-model",
            Self::BadImage => "bad-image",
            Self::BadShape => "bad-shape",
            Self::UnsupportedOperator => "unsupported-operator",
            Self::UnknownSplit => "unknown-split",
            Self::BadMessage => "bad-message",
            Self::Mismatch => "mismatch",
            Self::ServerUnreachable => "server-unreachable",
            Self::ServerError => "server-error",
            Self::ServerBusy => "server-busy",
            Self::Timeout => "timeout",
            Self::NoAdapter => "no-adapter",
            Self::AdapterLimit => "adapter-limit",
            Self::Device => "device",
            Self::Aborted => "aborted",
            Self::Download => "download",
            Self::Io => "io",
            Self::Internal => "internal",
        }
    }

    /// Whether the input or the request is at fault, rather than the world around it.
    ///
    /// The command line turns this into exit status 2.
    pub fn is_bad_input(self) -> bool {
        matches!(
            self,
            Self::BadArgument
                | Self::BadModel
                | Self::BadImage
                | Self::BadShape
                | Self::UnsupportedOperator
                | Self::UnknownSplit
        )
    }
}

/// The error of every fallible function in this crate.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` says what was expected and what was found.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts where it happened in front of what happened.
    #[must_use]
    pub fn context(mut self, place: impl fmt::Display) -> Self {
        self.0.message = format!("{place}: {}", self.0.message);
        self
    }

    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence, without its causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {self})", self.kind().code())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// The most characters of somebody else's text that a message repeats.
const BRIEF_CHARACTERS: usize = 200;

/// `value` as `{:?}` writes it, cut off after 200 characters: for messages about names, shapes and other values
/// that came from outside, however long they are.
pub(crate) fn brief(value: impl fmt::Debug) -> String {
    cut(format_args!("{value:?}"), BRIEF_CHARACTERS)
}

/// The first `characters` of `text`, and `…` in place of the rest. Memory follows from `characters`.
pub(crate) fn cut(text: impl fmt::Display, characters: usize) -> String {
    struct Cut {
        text: String,
        left: usize,
    }
    impl fmt::Write for Cut {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            match piece.char_indices().nth(self.left) {
                None => {
                    self.left -= piece.chars().count();
                    self.text.push_str(piece);
                    Ok(())
                }
                Some((end, _)) => {
                    self.left = 0;
                    self.text.push_str(&piece[..end]);
                    self.text.push('…');
                    // Ends the formatting.
                    Err(fmt::Error)
                }
            }
        }
    }
    let mut cut = Cut { text: String::new(), left: characters };
    // An error says that there was more.
    let _ = fmt::Write::write_fmt(&mut cut, format_args!("{text}"));
    cut.text
}

/// `return Err(..)` with a kind and a formatted sentence.
macro_rules! bail {
    ($kind:ident, $($message:tt)+) => {
        return Err($crate::error::Error::new($crate::error::ErrorKind::$kind, format!($($message)+)))
    };
}

/// An [`Error`] value with a kind and a formatted sentence.
macro_rules! error {
    ($kind:ident, $($message:tt)+) => {
        $crate::error::Error::new($crate::error::ErrorKind::$kind, format!($($message)+))
    };
}

pub(crate) use {bail, error};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_off_without_being_written_out() {
        assert_eq!(brief("a\nb"), r#""a\nb""#);
        assert_eq!(brief([1, 2]), "[1, 2]");
        assert_eq!(brief(vec![1; 1_000_000]).chars().count(), BRIEF_CHARACTERS + 1);
        assert_eq!(cut("ééééé", 3), "ééé…");
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("", 0), "");
    }
}
