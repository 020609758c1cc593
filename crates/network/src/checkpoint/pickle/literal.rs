//! Numbers and texts as pickles spell them.

use super::value::Value;
use crate::checkpoint::error::{Fault, malformed};

/// From little-endian two's complement of any length.
pub(super) fn integer(bytes: &[u8]) -> Value {
    let Some(last) = bytes.last() else {
        return Value::Int(0);
    };
    if bytes.len() > 8 {
        return Value::Long(bytes.into());
    }
    let mut value = if last & 0x80 == 0 {
        [0u8; 8]
    } else {
        [0xff; 8]
    };
    value[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(value))
}

pub(super) fn text_integer(text: &str) -> Result<Value, Fault> {
    let text = text.trim();
    if let Ok(value) = text.parse::<i64>() {
        return Ok(Value::Int(value));
    }
    if let Ok(value) = text.parse::<i128>() {
        let bytes = value.to_le_bytes();
        let end = bytes
            .iter()
            .rposition(|&b| b != 0)
            .map_or(1, |last| last + 1);
        return Ok(Value::Long(bytes[..end].into()));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        // Too long for any count; kept as something that is no `Int`.
        return Ok(Value::Long(digits.as_bytes().into()));
    }
    Err(malformed("a number"))
}

/// Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn raw_unicode_escape(line: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let digits = match (byte, tail.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let code = tail
            .get(1..=digits)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
            Some(code) if digits > 0 => {
                text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = &tail[1 + digits..];
            }
            _ => text.push(char::from(byte)),
        }
    }
    text
}

/// A quoted Python text without its quotes; escapes other than of quotes and backslash are rare in
/// names and kept as they are.
pub(super) fn quoted(line: &[u8]) -> Option<String> {
    let line = line.trim_ascii();
    let (&quote, rest) = line.split_first()?;
    let inner = rest.strip_suffix(&[quote])?;
    if quote != b'\'' && quote != b'"' {
        return None;
    }
    let text = String::from_utf8_lossy(inner);
    Some(
        text.replace("\\'", "'")
            .replace("\\\"", "\"")
            .replace("\\\\", "\\"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_length() {
        for (bytes, expected) in [
            (&[][..], 0),
            (&[0xff], -1),
            (&[0x80, 0x00], 128),
            (&[0x00, 0x80], -32768),
            (&[0xff; 8], -1),
        ] {
            assert!(
                matches!(integer(bytes), Value::Int(value) if value == expected),
                "{bytes:?}"
            );
        }
        assert!(matches!(integer(&[1; 9]), Value::Long(_)));
    }

    #[test]
    fn integers_as_text() {
        assert!(matches!(text_integer("-12"), Ok(Value::Int(-12))));
        // The number at the start of the older torch format, beyond 64 bits.
        let Ok(Value::Long(bytes)) = text_integer("119547037146038801333356") else {
            panic!()
        };
        assert_eq!(
            *bytes,
            [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
        );
        assert!(text_integer(&"9".repeat(1000)).is_ok());
        assert!(text_integer("1x").is_err());
        assert!(text_integer("").is_err());
    }

    #[test]
    fn texts() {
        assert_eq!(
            raw_unicode_escape(br"a\u00e9\U0001F600\n\u12"),
            r"aé😀\n\u12"
        );
        assert_eq!(raw_unicode_escape(b"\xe9"), "é");
        assert_eq!(quoted(b"'it\\'s'").as_deref(), Some("it's"));
        assert_eq!(quoted(b"'open"), None);
        assert_eq!(quoted(b"'"), None);
    }
}
