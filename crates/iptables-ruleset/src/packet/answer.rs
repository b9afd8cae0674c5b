//! Whether something holds of a packet, and why.

/// Whether something holds of a packet, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it does.
    pub holds: Holds,
    /// Why, or on what it depends; empty where the question says it all.
    pub because: String,
}

/// Whether something holds of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It depends on what is not known.
    Perhaps,
}

impl Answer {
    /// It holds.
    pub fn yes(because: impl Into<String>) -> Self {
        Self {
            holds: Holds::Yes,
            because: because.into(),
        }
    }

    /// It does not hold.
    pub fn no(because: impl Into<String>) -> Self {
        Self {
            holds: Holds::No,
            because: because.into(),
        }
    }

    /// It depends on something.
    pub fn perhaps(on: impl Into<String>) -> Self {
        Self {
            holds: Holds::Perhaps,
            because: on.into(),
        }
    }

    /// It holds or does not.
    pub fn known(holds: bool, because: impl Into<String>) -> Self {
        if holds {
            Self::yes(because)
        } else {
            Self::no(because)
        }
    }

    /// The answer to the opposite question, where `inverted`.
    pub fn inverted(self, inverted: bool) -> Self {
        let holds = match (self.holds, inverted) {
            (Holds::Yes, true) => Holds::No,
            (Holds::No, true) => Holds::Yes,
            (holds, _) => holds,
        };
        Self { holds, ..self }
    }

    /// The answer to both questions.
    pub fn and(self, other: Self) -> Self {
        match (self.holds, other.holds) {
            (Holds::No, _) | (Holds::Perhaps, Holds::Yes) => self,
            (_, Holds::No) | (Holds::Yes, Holds::Perhaps) => other,
            (Holds::Yes, Holds::Yes) | (Holds::Perhaps, Holds::Perhaps) => {
                let both = [self.because, other.because];
                let said: Vec<String> = both.into_iter().filter(|text| !text.is_empty()).collect();
                Self {
                    holds: self.holds,
                    because: said.join(", "),
                }
            }
        }
    }
}
