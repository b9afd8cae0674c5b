//! The names of the keys of a rules file, asked for from what reads them.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::{Rule, RulesFile};

/// The names of the keys of a rule.
pub(crate) fn of_a_rule() -> &'static [&'static str] {
    of::<Rule>()
}

/// The names of the keys of the whole file, `rule` among them.
pub(crate) fn of_the_file() -> &'static [&'static str] {
    of::<RulesFile>()
}

fn of<T: Deserialize<'static>>() -> &'static [&'static str] {
    let mut keys: &'static [&'static str] = &[];
    // What is asked for comes with the question; there is no answer.
    let _ = T::deserialize(Listener(&mut keys));
    keys
}

/// Notes which fields a struct asks for, and gives none.
struct Listener<'k>(&'k mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("a list of names is no rule"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("a rule is a table"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_names_of_a_rules_file() {
        assert!(super::of_the_file().contains(&"rule"));
        let keys = super::of_a_rule();
        for key in ["rule", "type", "distinct-ports", "cut-connections"] {
            assert!(keys.contains(&key), "{keys:?}");
        }
    }
}
