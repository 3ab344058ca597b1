//! The machine's own settings: proxies, by the variables that curl and most others read.

use super::exception::Exceptions;
use super::proxy::{ByScheme, Proxies, Proxy};
use crate::error::{Error, Result};

/// Reads the proxies of the environment.
pub(super) fn proxies() -> Result<Proxies> {
    read(&|name| match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        // It would look as if not set, and a proxy that is passed by may be the rule of the house.
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::invalid(format!("{name} is not valid UTF-8")))
        }
    })
}

fn read(env: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Proxies> {
    let first = |names: &[&'static str]| -> Result<Option<(&'static str, String)>> {
        for name in names {
            if let Some(text) = env(name)?.filter(|text| !text.trim().is_empty()) {
                return Ok(Some((name, text)));
            }
        }
        Ok(None)
    };
    let proxy =
        |names: &[&'static str]| Ok(first(names)?.map(|(name, text)| Proxy::parse(&text, name)));
    let exceptions = first(&NO_PROXY)?.map(|(_, list)| Exceptions::parse(&list));
    let (http, https) = (proxy(&HTTP)?, proxy(&HTTPS)?);
    let exceptions = exceptions.unwrap_or_default();
    Ok(Proxies::ByScheme(Box::new(ByScheme { http, https, exceptions })))
}

/// The first that is set counts.
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Not `HTTP_PROXY`: a web server sets that for its CGI programs from a header of whoever asks
/// (CVE-2016-5385, "httpoxy").
const HTTP: [&str; 3] = ["http_proxy", "all_proxy", "ALL_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn found(set: &[(&str, &str)], tls: bool) -> Result<Option<String>> {
        let proxies = read(&|name| {
            Ok(set.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
        });
        let proxies = proxies.expect("text");
        Ok(proxies.find(tls, "cloud.example", 443)?.map(ToString::to_string))
    }

    #[test]
    fn each_scheme_has_its_variables_and_small_letters_go_first() {
        let p = |name: &str| Some(format!("http://{name}:1"));
        for (set, https, http) in [
            (&[][..], None, None),
            (&[("HTTPS_PROXY", "a:1")], p("a"), None),
            (&[("https_proxy", "b:1"), ("HTTPS_PROXY", "a:1")], p("b"), None),
            (&[("https_proxy", " "), ("HTTPS_PROXY", "a:1")], p("a"), None),
            (&[("http_proxy", "c:1")], None, p("c")),
            (&[("HTTP_PROXY", "evil:1")], None, None),
            (&[("ALL_PROXY", "d:1")], p("d"), p("d")),
            (&[("ALL_PROXY", "d:1"), ("HTTPS_PROXY", "a:1")], p("a"), p("d")),
            (&[("all_proxy", "e:1"), ("ALL_PROXY", "d:1")], p("e"), p("e")),
            (&[("ALL_PROXY", "d:1"), ("NO_PROXY", "cloud.example")], None, None),
            (&[("ALL_PROXY", "d:1"), ("NO_PROXY", "*"), ("no_proxy", "x")], p("d"), p("d")),
        ] {
            assert_eq!(found(set, true).unwrap(), https, "{set:?}");
            assert_eq!(found(set, false).unwrap(), http, "{set:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_fails_only_those_who_would_use_it() {
        let set = [("ALL_PROXY", "socks5://s"), ("HTTPS_PROXY", "http://p:1")];
        assert_eq!(found(&set, true).unwrap().as_deref(), Some("http://p:1"));
        let error = found(&set, false).expect_err("no such proxy");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("ALL_PROXY"), "{error}");
        let set = [("ALL_PROXY", "socks5://s"), ("NO_PROXY", ".example")];
        assert_eq!(found(&set, true).unwrap(), None);
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused() {
        let odd = |name: &str| Err(Error::invalid(format!("{name} is not valid UTF-8")));
        assert_eq!(read(&odd).err().map(|e| e.kind()), Some(ErrorKind::Invalid));
    }
}
