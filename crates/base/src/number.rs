//! Numbers as Python prints them, so that both tools' files read alike.

/// Python's `repr` of a float: the shortest text that reads back as the same number, with an
/// exponent below 1e-4 and from 1e16 on; `nan`, `inf` and `-inf`.
#[must_use]
pub fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, figures) = match exponent.strip_prefix('-') {
            Some(figures) => ('-', figures),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{figures:0>2}");
    }
    let text = format!("{value}");
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// Python's `format(value, ".3f")`.
#[must_use]
pub fn three_decimals(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        python_float(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_in_python() {
        // (value, what CPython 3.11 prints)
        let cases = [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e-4, "0.0001"),
            (7.136186468414962e-7, "7.136186468414962e-07"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9999999999999998.0, "9999999999999998.0"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(python_float(value), text);
        }
    }

    #[test]
    fn three_decimals_round_the_exact_binary_value() {
        assert_eq!(three_decimals(0.0005), "0.001"); // 0.0005 lies just above one half
        assert_eq!(three_decimals(0.0625), "0.062"); // exactly a half: to even
        assert_eq!(three_decimals(-0.0001), "-0.000");
        assert_eq!(three_decimals(f64::NAN), "nan");
    }
}
