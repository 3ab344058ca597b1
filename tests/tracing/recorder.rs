//! Keeps every span that is heard: where it hangs, its fields and events, whether it is over.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tracing::dispatcher::Dispatch;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::NoSubscriber;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// A span, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Of all that were heard, which one.
    pub(crate) id: usize,
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) parent: Option<usize>,
    pub(crate) follows: Vec<usize>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) events: Vec<BTreeMap<&'static str, String>>,
    pub(crate) over: bool,
}

impl Seen {
    /// Returns a field's value, or nothing.
    pub(crate) fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    pub(crate) fn says(&self, message: &str) -> bool {
        self.events.iter().any(|event| event["message"] == message)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    /// Makes a subscriber that hears what is as grave as `level`, or graver.
    pub(crate) fn at(&self, level: LevelFilter) -> Dispatch {
        // While a process has one subscriber, tracing asks the current thread's alone whether a place
        // in the code is of interest, and keeps its answer: a thread that has none would say no.
        static OTHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();
        OTHERS.get_or_init(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::default())));
        Dispatch::new(Registry::default().with(level).with(self.clone()))
    }

    /// Runs `f` where this is heard from DEBUG on.
    pub(crate) fn hear<T>(&self, f: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.at(LevelFilter::DEBUG), f)
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// Returns the spans when `so` holds for them.
    pub(crate) fn once(&self, so: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let spans = self.spans();
            if so(&spans) {
                return spans;
            }
            assert!(Instant::now() < end, "it did not come to that: {spans:#?}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Returns the spans when the last one is over.
    pub(crate) fn once_over(&self) -> Vec<Seen> {
        self.once(|spans| spans.iter().all(|span| span.over))
    }

    fn change(&self, id: usize, f: impl FnOnce(&mut Seen)) {
        f(&mut self.0.lock().unwrap()[id]);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let mut spans = self.0.lock().unwrap();
        let place = spans.len();
        spans.push(Seen {
            id: place,
            name: span.name(),
            target: span.metadata().target(),
            parent: span.parent().map(|parent| number(parent.id(), &context)),
            follows: Vec::new(),
            fields: fields.0,
            events: Vec::new(),
            over: false,
        });
        span.extensions_mut().insert(Number(place));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.change(number(id.clone(), &context), |seen| seen.fields.extend(fields.0));
    }

    fn on_follows_from(&self, id: &Id, before: &Id, context: Context<'_, S>) {
        let before = number(before.clone(), &context);
        self.change(number(id.clone(), &context), |seen| seen.follows.push(before));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.change(number(span.id(), &context), |seen| seen.events.push(fields.0));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.change(number(id, &context), |seen| seen.over = true);
    }
}

struct Number(usize);

fn number<S: Subscriber + for<'a> LookupSpan<'a>>(id: Id, context: &Context<'_, S>) -> usize {
    let span = context.span(&id).expect("a span that lives");
    span.extensions().get::<Number>().expect("a span that was heard").0
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    /// What has no sign is a text to OpenTelemetry.
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), format!("{value} without a sign"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
