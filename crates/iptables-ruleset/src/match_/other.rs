//! What a rule of others asks that is none of the other matches.

use std::fmt;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression};
use crate::{BuildError, Family};

/// One expression of a rule in the kernel that is none of the other matches. It is shown with its
/// bytes and never written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other(Expression);

impl Other {
    /// What the kernel calls it: `payload`, `lookup`, or `match` and the name of an xt match.
    pub fn name(&self) -> String {
        match &self.0 {
            Expression::Other(other) => other.name.clone(),
            Expression::Match(xt) => format!("match {}", xt.name),
            Expression::Target(xt) => format!("target {}", xt.name),
            // Known, but not in this place.
            known => {
                let text = format!("{known:?}");
                let end = text.find([' ', '(']).unwrap_or(text.len());
                text.get(..end).unwrap_or(&text).to_lowercase()
            }
        }
    }

    /// Its attributes, or the structure of an xt match; nothing for an expression that is known by
    /// itself.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Expression::Other(other) => &other.data,
            Expression::Match(xt) | Expression::Target(xt) => &xt.info,
            _ => &[],
        }
    }

    pub(crate) fn new(expression: &Expression) -> Self {
        Self(expression.clone())
    }

    pub(crate) fn expression(&self) -> &Expression {
        &self.0
    }

    /// A rule that is written says all it means.
    pub(crate) fn refuse(&self) -> Result<(), String> {
        Err(format!(
            "{} is not known here and cannot be written",
            self.name()
        ))
    }
}

/// `[payload 0x0001]`, which no tool takes for an option.
impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.name())?;
        match &self.0 {
            Expression::Other(_) | Expression::Match(_) | Expression::Target(_) => {
                f.write_str(" 0x")?;
                self.bytes()
                    .iter()
                    .try_for_each(|byte| write!(f, "{byte:02x}"))?;
            }
            known => write!(f, " {known:?}")?,
        }
        f.write_str("]")
    }
}

impl MatchKind for Other {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        write!(f, "{self} ")
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        encoder.push(self.0.clone());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        decoder.next().map(Self::new)
    }

    fn check(&self, _protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        self.refuse()
    }
}
