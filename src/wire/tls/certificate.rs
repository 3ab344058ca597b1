//! What a certificate says of itself, read as far as messages need it (RFC 5280, 4.1).

use std::fmt;

/// Whose certificate it is, by its own words: nobody has vouched for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    subject: String,
    issuer: String,
    from: String,
    until: String,
}

impl Facts {
    /// Reads the outer parts of a certificate; `None` if it is not one.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let mut body = Der(Der(der).expect(SEQUENCE)?.expect(SEQUENCE)?.0);
        let (tag, _) = body.next()?;
        if tag == VERSION {
            // The serial number comes next.
            body.next()?;
        }
        body.expect(SEQUENCE)?;
        let issuer = name(body.expect(SEQUENCE)?);
        let mut validity = body.expect(SEQUENCE)?;
        let (from, until) = (day(validity.next()?)?, day(validity.next()?)?);
        let subject = name(body.expect(SEQUENCE)?);
        Some(Self { subject, issuer, from, until })
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, issuer, from, until } = self;
        write!(f, "that of {subject:?}, issued by {issuer:?} from {from} to {until}")
    }
}

/// The values that follow each other in DER (X.690, 8.1).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        let (length, rest) = match first {
            // Short, or in so many bytes; nothing here needs more than four.
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, Der(value)))
    }

    fn expect(&mut self, wanted: u8) -> Option<Der<'a>> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, value)| value)
    }
}

/// Returns the part of a name that people know it by.
fn name(mut parts: Der<'_>) -> String {
    let mut found = Vec::new();
    while let Some((SET, mut set)) = parts.next() {
        while let Some((SEQUENCE, mut pair)) = set.next() {
            if let (Some(kind), Some((_, text))) = (pair.expect(OBJECT_ID), pair.next()) {
                found.push((kind.0, text.0));
            }
        }
    }
    let known = KNOWN_BY.iter().find_map(|kind| found.iter().find(|(k, _)| k == kind));
    let text = known.map_or("".into(), |(_, text)| String::from_utf8_lossy(text));
    text.chars().take(LONGEST_NAME).collect()
}

/// Returns the day of `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ` (RFC 5280, 4.1.2.5).
fn day((tag, text): (u8, Der<'_>)) -> Option<String> {
    let text = std::str::from_utf8(text.0).ok().filter(|text| text.is_ascii())?;
    let (century, rest) = match tag {
        UTC_TIME if text.get(..2)? < "50" => ("20", text),
        UTC_TIME => ("19", text),
        GENERALIZED_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    Some(format!("{century}{}-{}-{}", rest.get(..2)?, rest.get(2..4)?, rest.get(4..6)?))
}

const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
/// Common name, organization, unit: 2.5.4.3, .10 and .11.
const KNOWN_BY: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 10], &[0x55, 4, 11]];
const LONGEST_NAME: usize = 100;

#[cfg(all(test, feature = "sim"))]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(kind: DnType, text: &str, until: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["h.example".into()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "DE");
        params.distinguished_name.push(kind, text);
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(until, 2, 3);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_says_who_it_is_for_and_how_long() {
        let facts = Facts::read(&certificate(DnType::CommonName, "h.example", 2049)).unwrap();
        let text = "that of \"h.example\", issued by \"h.example\" from 1999-12-31 to 2049-02-03";
        assert_eq!(facts.to_string(), text);
        let facts = Facts::read(&certificate(DnType::OrganizationName, "a\nb", 2150)).unwrap();
        let text = "that of \"a\\nb\", issued by \"a\\nb\" from 1999-12-31 to 2150-02-03";
        assert_eq!(facts.to_string(), text);
    }

    #[test]
    fn what_is_cut_or_changed_is_never_a_panic() {
        let whole = certificate(DnType::CommonName, "h.example", 2049);
        for length in 0..whole.len() {
            Facts::read(&whole[..length]);
            for change in [0x00, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.clone();
                changed[length] = change;
                Facts::read(&changed);
            }
        }
        assert_eq!(Facts::read(&whole[..20]), None);
    }
}
