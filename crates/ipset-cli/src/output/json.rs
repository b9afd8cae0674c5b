//! JSON in the form of later versions of `ipset`; 7.17 has none. JSON is UTF-8: what is not stands
//! as U+FFFD.

use ipset_netlink::text::{Style, Value};
use ipset_netlink::{Entry, SetHeader};

use super::layout::{Layout, each_option};

#[derive(Default)]
pub(super) struct Json {
    goes_on: bool,
}

const BEFORE_ENTRY: &[u8] = b"\n      {\n        \"elem\" : \"";

impl Json {
    fn next_set(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.goes_on { b",\n" } else { b"\n" });
        self.goes_on = true;
    }
}

impl Layout for Json {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        self.next_set(out);
        out.extend_from_slice(b"  { \"name\" : ");
        string(out, name);
        out.extend_from_slice(b" }");
    }

    fn header(&mut self, out: &mut Vec<u8>, header: &SetHeader, style: Style, members: bool) {
        self.next_set(out);
        out.extend_from_slice(b"  {\n    \"name\" : ");
        string(out, header.name.as_bytes());
        out.extend_from_slice(b",\n    \"type\" : ");
        string(out, header.set_type.name().as_bytes());
        out.extend_from_slice(b",\n    \"revision\" : ");
        style.value(out, Value::Number(header.revision.into()));
        out.extend_from_slice(b",\n    \"header\" : {");
        let mut separator = b"".as_slice();
        let mut next = |name: &str, value: Value<'_>| {
            out.extend_from_slice(separator);
            separator = b",";
            out.extend_from_slice(b"\n      ");
            option(out, style, name, value);
        };
        each_option(header, &mut next);
        next("memsize", Value::Number(header.memory.into()));
        next("references", Value::Number(header.references.into()));
        if let Some(elements) = header.elements {
            next("numentries", Value::Number(elements.into()));
        }
        out.extend_from_slice(b"\n    }");
        if members {
            out.extend_from_slice(b",\n    \"members\" : [");
        }
    }

    fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry, style: Style) {
        out.extend_from_slice(BEFORE_ENTRY);
        let start = out.len();
        style.key(out, &entry.key);
        escape(out, start);
        out.push(b'"');
        entry.each_option(|name, value| {
            out.extend_from_slice(b",\n        ");
            option(out, style, name, value);
        });
        out.extend_from_slice(b"\n      }");
    }

    fn entry_offset(&self) -> usize {
        BEFORE_ENTRY.len()
    }

    fn separator(&self) -> &'static [u8] {
        b","
    }

    fn end_set(&mut self, out: &mut Vec<u8>, members: bool) {
        if members {
            out.extend_from_slice(b"\n    ]");
        }
        out.extend_from_slice(b"\n  }");
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n]\n");
    }
}

fn option(out: &mut Vec<u8>, style: Style, name: &str, value: Value<'_>) {
    string(out, name.as_bytes());
    out.extend_from_slice(b" : ");
    match value {
        Value::Flag => out.extend_from_slice(b"true"),
        Value::Number(_) => style.value(out, value),
        Value::Comment(comment) => string(out, comment),
        value => {
            out.push(b'"');
            let start = out.len();
            style.value(out, value);
            escape(out, start);
            out.push(b'"');
        }
    }
}

fn string(out: &mut Vec<u8>, string: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.extend_from_slice(string);
    escape(out, start);
    out.push(b'"');
}

/// Makes what was written since `start` fit to stand between quotes.
fn escape(out: &mut Vec<u8>, start: usize) {
    let harmless = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x80..);
    if out.iter().skip(start).all(harmless) {
        return;
    }
    let text = out.split_off(start);
    for byte in String::from_utf8_lossy(&text).bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(text: String) {
            let mut out = Vec::new();
            string(&mut out, text.as_bytes());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
