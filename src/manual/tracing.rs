//! What the driver tells `tracing`: a span for each operation, and one for each request.
//!
//! ```text
//! operation  otel.name=list_nodes  welkin.provider=openstack  cloud.region=RegionOne
//! ├─ event    waited for a connection  waited_ms=3.1
//! ├─ attempt  otel.name=GET  url.full=https://cloud:443/compute/v2.1/servers/detail  http.response.status_code=503
//! ├─ event    trying again
//! └─ attempt  otel.name=GET  …  http.request.resend_count=1  http.response.status_code=200
//! operation  otel.name=login  welkin.provider=openstack        (on a thread of its own)
//! └─ attempt  otel.name=POST  …
//! ```
//!
//! Both have the target `welkin` and level DEBUG: a service that runs at INFO pays one load and one
//! comparison for each, and no memory. To see them, let `welkin=debug` through. Names and fields change
//! only with a version that may break something.
//!
//! # On a terminal
//! With the crate `tracing-subscriber`; with its feature `env-filter` instead, `RUST_LOG=welkin=debug`
//! does the same:
//!
//! ```no_run
//! use tracing_subscriber::filter::{LevelFilter, Targets};
//! use tracing_subscriber::fmt::{self, format::FmtSpan};
//! use tracing_subscriber::prelude::*;
//!
//! tracing_subscriber::registry()
//!     .with(fmt::layer().with_span_events(FmtSpan::CLOSE)) // a line when a span ends, with its times
//!     .with(Targets::new().with_target("welkin", LevelFilter::DEBUG))
//!     .init();
//! ```
//!
//! # With OpenTelemetry
//! With the crates `tracing-opentelemetry`, `opentelemetry`, `opentelemetry_sdk` and an exporter, here
//! `opentelemetry-otlp`. The fields that begin with `otel.` become the span's name, kind and status
//! there; all others become its attributes.
//!
//! ```ignore
//! use opentelemetry::trace::TracerProvider as _;
//! use tracing_subscriber::filter::{LevelFilter, Targets};
//! use tracing_subscriber::prelude::*;
//!
//! let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
//! let traces = opentelemetry_sdk::trace::SdkTracerProvider::builder()
//!     .with_batch_exporter(exporter)
//!     .build();
//! tracing_subscriber::registry()
//!     .with(tracing_opentelemetry::layer().with_tracer(traces.tracer("my-service")))
//!     .with(Targets::new().with_target("welkin", LevelFilter::DEBUG))
//!     .init();
//! ```
//!
//! # The span `operation`
//! One for each [`Op`](crate::Op), for a whole [`List`](crate::List) or, with `.stream()` and
//! `.iter()`, for each page of it; and one for each login. It begins when the operation is first
//! polled or waited for, within the span that is the caller's at that moment, and ends with the
//! operation, or when that is dropped. Waits for a login, for a connection and between attempts lie in
//! it, with all requests that the operation needs.
//!
//! A login belongs to no caller and runs on its own thread: its span has no parent and *follows from*
//! the one that first needed it. It goes to the subscriber of that caller.
//!
//! | field | is |
//! |---|---|
//! | `welkin.operation` | `list_nodes`, `login` …; `send` for [a provider's own](crate::Driver::send) |
//! | `welkin.provider` | `openstack` … |
//! | `cloud.region` | the region that is asked, if the driver looks at one |
//! | `error.type` | if it failed: its [`ErrorKind`](crate::ErrorKind), such as `NotFound` or `Timeout(Acquire)` |
//! | `otel.name` | as `welkin.operation` |
//! | `otel.kind` | `client` |
//! | `otel.status_code`, `otel.status_description` | if it failed: `ERROR`, and the [`Error`](crate::Error)'s text |
//!
//! # The span `attempt`
//! One for each request that goes out, within its operation's. It begins when there is a token and a
//! connection and the request is signed; it ends with the answer's last byte. Where a download is read
//! piece by piece it ends with the answer's head: the pieces come in the time of whoever reads them.
//!
//! | field | is |
//! |---|---|
//! | `http.request.method` | `GET` … |
//! | `http.request.resend_count` | from the second time on that one request goes out: 1, 2 … |
//! | `http.response.status_code` | if there was an answer |
//! | `network.protocol.version` | `1.1` |
//! | `server.address`, `server.port` | the host that is asked; never the proxy on the way |
//! | `url.full` | the address. The values of its query read `REDACTED`, as does what follows a `?` in a name |
//! | `welkin.request_id` | the cloud's id of the request, which its operators ask for |
//! | `error.type` | from 400 on the status, such as `503`; without an answer an [`ErrorKind`](crate::ErrorKind) |
//! | `otel.name` | the method |
//! | `otel.kind` | `client` |
//! | `otel.status_code`, `otel.status_description` | as above, the text only where there was no answer |
//!
//! # Events
//! | level | text | within | tells |
//! |---|---|---|---|
//! | DEBUG | `waited for a connection` | the operation | `waited_ms`; none was free, so one was opened or came back |
//! | DEBUG | `waited for a login` | the operation | `waited_ms` |
//! | DEBUG | `waited for a turn` | the operation | `waited_ms`; the cloud had asked for [fewer requests](super::sharing#when-the-cloud-says-slow-down) |
//! | DEBUG | `the cloud asks for fewer requests` | the operation | `asked`: for how long, if it said; `limit`: how many may be on their way from then on |
//! | DEBUG | `trying again` | the operation | `failed`: how often by now; `pause` before the next time |
//! | DEBUG | `logged in` | the login | `generation`: the first token, the second … |
//! | WARN | `login failed` | the login | `error` |
//!
//! An operation that has no event of a wait got what it needed at once.
//!
//! # Which conventions
//! Names that do not begin with `welkin.` are those of OpenTelemetry's semantic conventions, version
//! 1.40: an attempt is an HTTP client span (stable there since 1.23) with its required and recommended
//! attributes but for the peer's address. For what is an operation here there is a convention for the
//! SDK of one cloud only, in development: taken from there are the kind and `cloud.region`.
//!
//! # Secrets
//! No password, key, token, signature or header is ever in a field; `tests/secrets.rs` looks at every
//! one. Names of objects and ids of nodes are, as parts of `url.full`.
