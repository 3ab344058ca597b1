//! Drivers of one account that log in once for all of them, and those that must not.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use welkin::openstack::Config;
use welkin::sim::{Fault, Sim};
use welkin::{Cancel, Driver, Error, ErrorKind, Phase, Settings, Stats, TlsVersion};

use crate::support::{Home, LOGIN, SetWhenDropped, fast, ms, quick, seen, until};

fn shared() -> Settings {
    quick().shared_login(true)
}

fn drivers(sim: &Sim, settings: &Settings) -> Vec<Driver> {
    (0..8).map(|_| Driver::open_with(sim.config(), settings.clone()).unwrap()).collect()
}

fn ask(driver: &Driver) -> Result<(), Error> {
    driver.compute()?.list_sizes().wait().map(drop)
}

/// 8 threads for each driver, each with one call after the other as long as there `is_more`.
fn crowd(drivers: &[Driver], is_more: impl Fn(usize) -> bool + Sync) -> Vec<Error> {
    thread::scope(|s| {
        let callers: Vec<_> = (0..drivers.len() * 8)
            .map(|i| {
                let (driver, is_more) = (&drivers[i % drivers.len()], &is_more);
                let calls = (0..).take_while(|n| is_more(*n)).map(|_| ask(driver));
                s.spawn(move || calls.filter_map(Result::err).collect::<Vec<_>>())
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

/// What all drivers together counted: logins, shared ones, and failed ones.
fn logins(drivers: &[Driver]) -> [u64; 3] {
    drivers.iter().map(Driver::stats).fold([0; 3], |[made, shared, failed], stats| {
        [made + stats.logins, shared + stats.logins_shared, failed + stats.logins_failed]
    })
}

/// Many calls of each have gone well since.
fn after_more_calls(drivers: &[Driver]) {
    let requests = |driver: &Driver| driver.stats().requests;
    let before: Vec<_> = drivers.iter().map(requests).collect();
    until(|| drivers.iter().zip(&before).all(|(driver, before)| requests(driver) > before + 30));
}

#[test]
fn a_cold_start_of_many_drivers_is_one_login_and_without_the_setting_one_each() {
    for (settings, counted) in [(shared(), [1, 7, 0]), (quick(), [8, 0, 0])] {
        let sim = fast().login_delay(ms(50)).start().unwrap();
        let drivers = drivers(&sim, &settings);
        let failed = crowd(&drivers, |n| n < 3);
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(logins(&drivers), counted);
        assert_eq!(seen(&sim, LOGIN), counted[0]);
    }
}

#[test]
fn every_home_finds_what_another_driver_left() {
    let sim = fast().start().unwrap();
    let drivers = drivers(&sim, &shared());
    ask(&drivers[0]).unwrap();
    for (home, driver) in Home::ALL.into_iter().zip(&drivers[1..]) {
        home.run(driver.compute().unwrap().find_size("1")).unwrap();
        assert_eq!(driver.stats().logins_shared, 1, "{home:?}");
    }
    assert_eq!(seen(&sim, LOGIN), 1);
}

#[test]
fn a_revocation_is_one_login_for_all_drivers_and_no_failed_call() {
    let sim = fast().login_delay(ms(20)).start().unwrap();
    let drivers = drivers(&sim, &shared());
    let over = AtomicBool::new(false);
    let failed = thread::scope(|s| {
        let calls = s.spawn(|| crowd(&drivers, |_| !over.load(SeqCst)));
        // Also when it panics: otherwise nobody would ever end.
        let _over = SetWhenDropped(&over);
        for generation in 1..=3 {
            until(|| logins(&drivers) == [generation, generation * 7, 0]);
            after_more_calls(&drivers);
            sim.revoke_tokens();
        }
        until(|| logins(&drivers) == [4, 28, 0]);
        after_more_calls(&drivers);
        drop(_over);
        calls.join().unwrap()
    });
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!((sim.stats().logins, sim.stats().failed_logins), (4, 0));
}

#[test]
fn tokens_of_two_seconds_are_renewed_once_for_all_drivers_and_run_out_under_nobody() {
    let sim = fast().token_lifetime(ms(2_000)).start().unwrap();
    let drivers = drivers(&sim, &shared());
    let began = Instant::now();
    let failed = crowd(&drivers, |_| began.elapsed() < ms(6_000));
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(sim.stats().unauthorized, 0, "they are renewed ahead");
    let [made, _, failed] = logins(&drivers);
    assert_eq!((made, failed), (sim.stats().logins, 0));
    assert!((3..=9).contains(&made), "{made} logins in three lifetimes");
    for driver in &drivers {
        let Stats { logins, logins_shared, .. } = driver.stats();
        assert!(logins + logins_shared >= made - 1, "it has had every generation");
    }
}

#[test]
fn a_secret_that_is_wrong_gets_nothing_of_what_the_right_one_got() {
    let sim = fast().start().unwrap();
    let right = Driver::open_with(sim.config(), shared()).unwrap();
    ask(&right).unwrap();
    let config = Config::password(sim.auth_url(), "demo", "wrong").project("demo");
    let wrong = Driver::open_with(config, shared()).unwrap();
    assert_eq!(ask(&wrong).unwrap_err().kind(), ErrorKind::Auth);
    assert_eq!((seen(&sim, LOGIN), wrong.stats().logins_shared), (2, 0));
    ask(&right).unwrap();
    assert_eq!(seen(&sim, LOGIN), 2);
}

#[test]
fn who_differs_in_account_trust_or_choice_logs_in_for_itself() {
    let sim = fast().tls(true).regions(["north", "south"]).start().unwrap();
    let (ca, other_ca) = (sim.ca_pem().unwrap(), fast().tls(true).start().unwrap());
    let both = [ca, other_ca.ca_pem().unwrap()].concat();
    let (id, secret) = (Sim::APPLICATION_CREDENTIAL_ID, Sim::APPLICATION_CREDENTIAL_SECRET);
    let credential = Config::application_credential(sim.auth_url(), id, secret).ca_pem(ca);
    let config = || sim.config();
    let open = |config, settings: Settings| Driver::open_with(config, settings).unwrap();
    let all = || {
        [
            open(config(), shared()),
            open(config().user_domain_id("default"), shared()),
            open(config().interface("internal"), shared()),
            open(config().insecure(true), shared()),
            open(config().ca_pem(both.clone()), shared()),
            open(credential.clone(), shared()),
            open(config(), shared().min_tls(TlsVersion::Tls13)),
        ]
    };
    let (ones, others) = (all(), all());
    for (i, one) in (1..).zip(&ones) {
        ask(one).unwrap();
        assert_eq!((one.stats().logins, seen(&sim, LOGIN)), (1, i), "{i}");
    }
    for other in &others {
        ask(other).unwrap();
        assert_eq!((other.stats().logins, other.stats().logins_shared), (0, 1));
    }
    for same in
        [open(config().region("south"), shared()), open(config(), shared().timeout(ms(9_999)))]
    {
        ask(&same).unwrap();
        assert_eq!(same.stats().logins_shared, 1);
    }
    assert_eq!(seen(&sim, LOGIN), ones.len() as u64);
}

#[test]
fn a_refused_login_is_refused_for_all_who_wait_and_not_hammered() {
    let sim = fast().login_delay(ms(50)).start().unwrap();
    let config = Config::password(sim.auth_url(), "demo", "wrong").project("demo");
    let drivers: Vec<_> =
        (0..8).map(|_| Driver::open_with(config.clone(), shared()).unwrap()).collect();
    let failed = crowd(&drivers, |n| n < 1);
    assert_eq!(failed.len(), 64);
    assert!(failed.iter().all(|e| e.kind() == ErrorKind::Auth), "{failed:?}");
    assert!(failed.iter().all(|e| e.operation() == Some("login")), "{failed:?}");
    assert_eq!(logins(&drivers)[..2], [0, 0]);
    let tried = seen(&sim, LOGIN);
    assert!(tried <= 3, "{tried} logins for 8 drivers at once");
}

#[test]
fn a_login_that_failed_spoils_nothing() {
    let sim = fast().start().unwrap();
    let drivers = drivers(&sim, &shared());
    // As many as one login tries.
    sim.fail_next(Fault::unavailable().on("POST", "/identity").times(3));
    let failed = crowd(&drivers, |n| n < 1);
    assert!(failed.iter().all(|e| e.kind() == ErrorKind::Unavailable), "{failed:?}");
    until(|| drivers.iter().all(|driver| ask(driver).is_ok()));
    assert_eq!((seen(&sim, LOGIN), sim.stats().logins), (4, 1));
}

#[test]
fn a_login_that_hangs_holds_nobody_longer_than_its_own_could() {
    let sim = fast().start().unwrap();
    let [patient, hasty] = [shared(), shared().timeout(ms(200))]
        .map(|settings| Driver::open_with(sim.config(), settings).unwrap());
    sim.fail_next(Fault::silence_before().on("POST", "/identity"));
    let (cancel, waits) = (Cancel::new(), patient.compute().unwrap().list_sizes());
    thread::scope(|s| {
        let waits = s.spawn(|| waits.cancel_on(&cancel).wait());
        until(|| seen(&sim, LOGIN) == 1);
        let error = hasty.compute().unwrap().list_sizes().timeout(ms(15_000)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Login));
        assert!(error.to_string().contains("another driver"), "{error}");
        assert_eq!((error.operation(), seen(&sim, LOGIN)), (Some("login"), 1));
        cancel.cancel();
        assert_eq!(waits.join().unwrap().unwrap_err().kind(), ErrorKind::Canceled);
    });
}

#[test]
fn the_login_of_a_dropped_driver_serves_the_one_that_waits_for_it() {
    let sim = fast().login_delay(ms(300)).start().unwrap();
    let [first, second] = [(); 2].map(|()| Driver::open_with(sim.config(), shared()).unwrap());
    let cancel = Cancel::new();
    thread::scope(|s| {
        let call = first.compute().unwrap().list_sizes().cancel_on(&cancel);
        let call = s.spawn(|| call.wait());
        until(|| seen(&sim, LOGIN) == 1);
        let waits = s.spawn(|| ask(&second));
        cancel.cancel();
        assert_eq!(call.join().unwrap().unwrap_err().kind(), ErrorKind::Canceled);
        drop(first);
        waits.join().unwrap().unwrap();
    });
    assert_eq!((second.stats().logins, second.stats().logins_shared), (0, 1));
    assert_eq!(seen(&sim, LOGIN), 1);
}

#[test]
fn a_driver_that_is_dropped_while_it_waits_for_anothers_login_lets_go_of_all_it_has() {
    let sim = fast().start().unwrap();
    let [first, second] = [(); 2].map(|()| Driver::open_with(sim.config(), shared()).unwrap());
    ask(&first).unwrap();
    ask(&second).unwrap();
    sim.revoke_tokens();
    sim.fail_next(Fault::silence_before().on("POST", "/identity"));
    let cancel = Cancel::new();
    thread::scope(|s| {
        for driver in [&first, &second] {
            let call = driver.compute().unwrap().list_sizes().cancel_on(&cancel);
            s.spawn(|| assert_eq!(call.wait().unwrap_err().kind(), ErrorKind::Canceled));
        }
        until(|| sim.stats().unauthorized == 2 && seen(&sim, LOGIN) == 2);
        cancel.cancel();
    });
    assert!(sim.stats().open_connections >= 1, "the login is still under way");
    drop(second);
    drop(first);
    // Its own connection is all that is left; half a minute would pass before it ends.
    until(|| sim.stats().open_connections == 1);
}

#[test]
fn the_last_driver_takes_the_token_with_it() {
    let sim = fast().start().unwrap();
    let [first, second] = [(); 2].map(|()| Driver::open_with(sim.config(), shared()).unwrap());
    ask(&first).unwrap();
    drop(first);
    ask(&second).unwrap();
    assert_eq!(seen(&sim, LOGIN), 1);
    drop(second);
    ask(&Driver::open_with(sim.config(), shared()).unwrap()).unwrap();
    assert_eq!(seen(&sim, LOGIN), 2);
}
