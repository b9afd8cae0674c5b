//! Sets as text: the options of a `create` line, in the order in which `ipset` writes them.

use std::fmt;

use super::words::Words;
use super::{Style, TextError, Value};
use crate::{
    BitmapRange, CreateSet, Element, Family, Key, SetHeader, SetName, SetOptions, SetType, Timeout,
};

impl CreateSet {
    /// Hands over what follows the type in a `create` line, word and value, in the order in which
    /// `ipset` writes it.
    pub fn each_option(&self, each: impl FnMut(&'static str, Value<'_>)) {
        each_option(&self.set_type, self.family, &self.options, each);
    }

    /// Reads what follows `create` in a line: name, type, and options in any order. Of
    /// [`SetType::Other`] the options are those that are known here.
    pub(super) fn read(words: &mut Words<'_>) -> Result<Self, TextError> {
        let name = words.need("the name of the set")?;
        let name: SetName = name.parse().map_err(|error| words.wrong(error))?;
        let word = words.need("the type of the set")?;
        if word.is_empty() || word.contains(|c: char| c.is_whitespace()) {
            return Err(words.wrong(format_args!("{word:?} is no name of a type")));
        }
        let Ok(set_type) = word.parse::<SetType>();
        let family = if set_type.holds_addresses() {
            Family::Inet
        } else {
            Family::Unspec
        };
        let mut create = Self::new(name, set_type, family);
        let mut said = Vec::new();
        while let Some(word) = words.next()? {
            if !create.set_type.takes(word) {
                let set_type = &create.set_type;
                return Err(words.wrong(format_args!("no set of type {set_type} has {word:?}")));
            }
            if said.contains(&word) {
                return Err(words.wrong(format_args!("{word} stands there twice")));
            }
            said.push(word);
            create.read_option(word, words)?;
        }
        Ok(create)
    }

    fn read_option(&mut self, word: &str, words: &mut Words<'_>) -> Result<(), TextError> {
        let options = &mut self.options;
        match word {
            "family" => {
                self.family = match words.value(word)? {
                    "inet" => Family::Inet,
                    "inet6" => Family::Inet6,
                    other => {
                        let why = format_args!("family {other:?} is neither inet nor inet6");
                        return Err(words.wrong(why));
                    }
                }
            }
            "range" => {
                let text = words.value(word)?;
                let range = range(text, &self.set_type);
                let wrong = || words.wrong(format_args!("range {text:?} is none of such a set"));
                options.range = Some(range.ok_or_else(wrong)?);
            }
            "hashsize" => options.hash_size = Some(words.number(word)?),
            "maxelem" => options.max_elements = Some(words.number(word)?),
            "bucketsize" => options.bucket_size = Some(words.number(word)?),
            "initval" => options.initial_value = Some(words.number(word)?),
            "netmask" => options.netmask = Some(words.number(word)?),
            "bitmask" => options.bitmask = Some(words.read(word)?),
            "markmask" => options.mark_mask = Some(words.number(word)?),
            "size" => options.size = Some(words.number(word)?),
            "timeout" => options.timeout = Some(words.timeout()?),
            "counters" => options.counters = true,
            "comment" => options.comments = true,
            "skbinfo" => options.skbinfo = true,
            "forceadd" => options.forceadd = true,
            other => return Err(words.wrong(format_args!("{other:?} is no option that is known"))),
        }
        Ok(())
    }
}

impl SetHeader {
    /// Hands over what follows the type in the `create` line of such a set, see
    /// [`CreateSet::each_option`].
    pub fn each_option(&self, each: impl FnMut(&'static str, Value<'_>)) {
        each_option(&self.set_type, self.family, &self.options, each);
    }
}

fn each_option(
    set_type: &SetType,
    family: Family,
    options: &SetOptions,
    mut each: impl FnMut(&'static str, Value<'_>),
) {
    let number = |number: u32| Value::Number(number.into());
    let family = match family {
        Family::Inet => "inet",
        Family::Inet6 => "inet6",
        _ => "any",
    };
    let masks = [
        (
            "netmask",
            options.netmask.map(|bits| Value::Number(bits.into())),
        ),
        ("bitmask", options.bitmask.map(Value::Address)),
    ];
    // Types that got masks later than the rest have them last.
    let masks_come_first = matches!(set_type, SetType::BitmapIp | SetType::HashIp);
    let (early, late) = if masks_come_first {
        (&masks[..], &[][..])
    } else {
        (&[][..], &masks[..])
    };
    let flag = |there: bool| there.then_some(Value::Flag);
    let range = options.range.map(|range| match range {
        BitmapRange::Addresses(range) => Value::Addresses(range),
        BitmapRange::Ports(first, last) => Value::Ports(first, last),
    });
    let sizes = [
        ("range", range),
        (
            "family",
            set_type.takes("family").then_some(Value::Word(family)),
        ),
        ("markmask", options.mark_mask.map(Value::Hex)),
        ("hashsize", options.hash_size.map(number)),
        ("maxelem", options.max_elements.map(number)),
        ("size", options.size.map(number)),
    ];
    let extensions = [
        ("timeout", options.timeout.map(Timeout::as_secs).map(number)),
        ("counters", flag(options.counters)),
        ("comment", flag(options.comments)),
        ("skbinfo", flag(options.skbinfo)),
        ("forceadd", flag(options.forceadd)),
        (
            "bucketsize",
            options.bucket_size.map(|size| Value::Number(size.into())),
        ),
        ("initval", options.initial_value.map(Value::Hex)),
    ];
    for (name, value) in sizes.iter().chain(early).chain(&extensions).chain(late) {
        if let Some(value) = value {
            each(name, *value);
        }
    }
}

fn range(text: &str, set_type: &SetType) -> Option<BitmapRange> {
    let of = match set_type {
        SetType::BitmapPort => set_type,
        _ => &SetType::BitmapIp,
    };
    match Key::parse(text, of).ok()?.elements() {
        [Element::Port(ports)] => Some((ports.first()..=ports.last()).into()),
        [Element::Range(range)] => Some((*range).into()),
        [Element::Net(network)] => Some((*network).into()),
        _ => None,
    }
}

/// The line that creates the set: `create x hash:net family inet maxelem 65536 timeout 0`. What is
/// not UTF-8 stands as U+FFFD; [`Style::create`] writes it as it is.
impl fmt::Display for CreateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        Style::default().create(&mut out, self);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// Type, family and options as `ipset create` takes them, without those that say how the kernel
/// keeps a hash: `hash:net family inet maxelem 65536 timeout 0`.
impl fmt::Display for SetHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.set_type)?;
        let mut options = Vec::new();
        self.each_option(|name, value| {
            if !matches!(name, "hashsize" | "bucketsize" | "initval") {
                Style::default().option(&mut options, name, value);
            }
        });
        f.write_str(&String::from_utf8_lossy(&options))
    }
}
