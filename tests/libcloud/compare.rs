//! What we say beside what Libcloud said.

use serde_json::{Value, json};
use welkin::{Error, ErrorKind};

use crate::cases::{Asked, End, Exchange};
use crate::request::Request;
use crate::table::{Ask, Deliberate, File, Instead};

pub(crate) struct Difference {
    /// `method.field`
    pub(crate) place: String,
    pub(crate) theirs: Value,
    pub(crate) ours: Value,
    /// Our error, if the call ended in one.
    pub(crate) error: Option<String>,
    /// Where the file's list of those that we want explains it: the difference, and its field.
    pub(crate) wanted: Option<(usize, usize)>,
}

pub(crate) fn compare(
    file: &File,
    ask: &Ask,
    asked: &Asked,
    played: &[Exchange],
    ours: &welkin::Result<Value>,
    seen: &[Request],
) -> Vec<Difference> {
    let error = ours.as_ref().err().map(all);
    let mut beside = Beside { deliberate: file.deliberate, asked, error, found: Vec::new() };
    let theirs: Value = played.iter().map(|exchange| exchange.request.compared()).collect();
    let sent: Value = seen.iter().map(Request::compared).collect();
    beside.field("requests", &theirs, theirs.clone(), sent);

    let end = match &asked.end {
        End::Raised(error) => raised(error),
        End::Returned(Value::Bool(false)) => "says no".to_owned(),
        End::Returned(_) => "returns".to_owned(),
    };
    let our_end = match ours {
        Ok(_) => "returns".to_owned(),
        Err(error) => format!("raises {:?}", error.kind()),
    };
    // Some of Libcloud's errors say only that something went wrong.
    let agrees = end == our_end || (end == "raises" && ours.is_err());
    if !agrees {
        let theirs = json!(end);
        beside.field("outcome", &theirs, theirs.clone(), our_end.into());
    }
    if let (Ok(ours), End::Returned(theirs)) = (ours, &asked.end) {
        beside.values(ask, theirs, ours);
    }
    beside.found
}

/// What went wrong, down to its cause.
fn all(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

struct Beside<'a> {
    deliberate: &'static [Deliberate],
    asked: &'a Asked,
    error: Option<String>,
    found: Vec<Difference>,
}

impl Beside<'_> {
    fn values(&mut self, ask: &Ask, theirs: &Value, ours: &Value) {
        let Some(ours) = ours.as_array() else {
            return self.fields(ask, theirs, ours);
        };
        // A long list is recorded by its length and its beginning.
        let length = theirs["_list_len"].as_u64();
        let head = theirs.get("_head").unwrap_or(theirs).as_array();
        let head = head.map(Vec::as_slice).unwrap_or_default();
        let length = length.unwrap_or(head.len() as u64);
        if length != ours.len() as u64 {
            self.field("length", theirs, length.into(), ours.len().into());
        }
        for (theirs, ours) in head.iter().zip(ours) {
            self.fields(ask, theirs, ours);
        }
    }

    fn fields(&mut self, ask: &Ask, theirs: &Value, ours: &Value) {
        for (name, pointer) in ask.fields {
            let value = plain(theirs.pointer(pointer).unwrap_or(&Value::Null));
            self.field(name, theirs, value, plain(&ours[name]));
        }
    }

    fn field(&mut self, name: &str, context: &Value, theirs: Value, ours: Value) {
        if theirs == ours {
            return;
        }
        let explains = |instead: &Instead| {
            instead.field == name && (instead.ours)(self.asked, context).as_ref() == Some(&ours)
        };
        let wanted = self.deliberate.iter().enumerate().find_map(|(i, wanted)| {
            let concerns = self.asked.is_one_of(wanted.methods);
            concerns.then(|| Some((i, wanted.fields.iter().position(explains)?)))?
        });
        let place = format!("{}.{name}", self.asked.method);
        self.found.push(Difference { place, theirs, ours, error: self.error.clone(), wanted });
    }
}

/// Writes a recorded value as ours are written, and lists in one order: theirs says nothing.
pub(crate) fn plain(value: &Value) -> Value {
    if let Some(list) = value.as_array() {
        let mut list = list.clone();
        list.sort_by_key(ToString::to_string);
        return list.into();
    }
    let time = value["_time"].as_str().map(|time| time.replace("+00:00", "Z").into());
    let word = value.get("_enum").map(|_| value["value"].clone());
    time.or(word).unwrap_or_else(|| value.clone())
}

/// Says which kind of ours an error of Libcloud's is, as far as it tells.
fn raised(error: &Value) -> String {
    let status = error["http_code"].as_u64().or_else(|| error["code"]["value"].as_u64());
    let status = status.or_else(|| error["code"].as_u64());
    let kind = match error["type"].as_str().unwrap_or_default() {
        "InvalidCredsError" => ErrorKind::Auth,
        "MalformedResponseError" => ErrorKind::Protocol,
        "RateLimitReachedError" => ErrorKind::RateLimited,
        "ResourceNotFoundError" => ErrorKind::NotFound,
        name if name.ends_with("DoesNotExistError") => ErrorKind::NotFound,
        name if name.ends_with("AlreadyExistsError") => ErrorKind::Conflict,
        "ContainerIsNotEmptyError" | "ResourceConflictError" => ErrorKind::Conflict,
        _ => match status {
            Some(400 | 422) => ErrorKind::Invalid,
            Some(401) => ErrorKind::Auth,
            Some(403) => ErrorKind::Forbidden,
            Some(404) => ErrorKind::NotFound,
            Some(409) => ErrorKind::Conflict,
            Some(429) => ErrorKind::RateLimited,
            Some(502..=504) => ErrorKind::Unavailable,
            _ => return "raises".to_owned(),
        },
    };
    format!("raises {kind:?}")
}
