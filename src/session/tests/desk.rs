//! Sessions that share a login.

use super::*;
use crate::session::clock::Moment;

#[test]
fn a_token_from_the_desk_counts_from_when_its_login_began() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Slow(Duration::from_millis(50), "t1 3600000".into()),
        path => Reply::Text(200, path.into()),
    });
    let sessions = [(); 2].map(|()| session(&server, quick().shared_login(true)));
    let began = Instant::now();
    let ends = sessions.each_ref().map(|session| {
        assert_eq!(get(session, "/x").wait().unwrap(), "/x");
        session.core.tokens.usable(Moment::now()).unwrap().end.instant
    });
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0] >= began + Duration::from_secs(3_600));
    assert_eq!(server.seen.logins.load(SeqCst), 1);
}

#[test]
fn a_catalog_that_cannot_be_used_is_not_left_for_others() {
    let server = Server::start(echo);
    let broken = Arc::new(AtomicUsize::new(1));
    let cloud = || Mistaken(TestCloud(server.url()), Arc::clone(&broken));
    let settings = || quick().shared_login(true);
    let open =
        || Session::new("test", Arc::new(cloud()), &Trust::default(), None, settings()).unwrap();
    let sessions = [open(), open()];
    let error = get(&sessions[0], "/x").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let end = Instant::now() + Duration::from_secs(10);
    while get(&sessions[1], "/x").wait().is_err() {
        assert!(Instant::now() < end, "the mended catalog is never asked for");
    }
    assert_eq!(server.seen.logins.load(SeqCst), 2);
}

/// Names an address that is none in its first catalog.
struct Mistaken(TestCloud, Arc<AtomicUsize>);

impl Auth for Mistaken {
    fn login(&self) -> Result<Step<Grant>> {
        let Step::Next(call) = self.0.login()? else { panic!("a login asks") };
        let broken = Arc::clone(&self.1);
        Ok(Step::Next(call.then(move |mut grant| {
            if broken.swap(0, SeqCst) == 1 {
                grant.endpoints[0].url = "no address".into();
            }
            Ok(Step::Done(grant))
        })))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        self.0.authorize(signing)
    }

    fn account(&self) -> Option<Account> {
        self.0.account()
    }

    fn refusal(&self, answer: &Response) -> ErrorKind {
        refusal(answer)
    }
}
