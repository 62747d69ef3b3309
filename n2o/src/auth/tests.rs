//! The queue in front of the hashes, and the memories that they use.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Condvar, Mutex},
    task::{Context, Waker},
};

use super::{
    brake::mark,
    hash::{self, Full, Hasher, Memory, Place},
    limits::AccountLimits,
};
use crate::tasks::Tasks;

fn hasher(limits: AccountLimits) -> Hasher {
    Hasher::new(limits)
}

/// A door that work waits behind.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn wait(&self) {
        let open = self.0.0.lock().expect("unpoisoned");
        drop(self.0.1.wait_while(open, |open| !*open).expect("unpoisoned"));
    }

    fn open(&self) {
        *self.0.0.lock().expect("unpoisoned") = true;
        self.0.1.notify_all();
    }
}

/// Waits for a turn, and works.
async fn run<T: Send + 'static>(
    hasher: &Hasher,
    tasks: &Tasks,
    place: Place,
    work: impl FnOnce(&mut Memory) -> T + Send + 'static,
) -> crate::Result<T> {
    let turn = hasher.turn(place).await?;
    Ok(hasher.run(tasks, turn, work).await?.0)
}

fn number(n: u8) -> [u8; 16] {
    mark(&[&[n]])
}

#[tokio::test]
async fn two_passwords_are_hashed_at_a_time_in_two_memories_for_good() {
    let (hasher, tasks, door) = (hasher(AccountLimits::default()), Tasks::default(), Door::default());
    let mut works = Vec::new();
    for n in 0..8 {
        let place = hasher.place(number(n), number(n), true).expect("a place");
        let (hasher, tasks, door) = (hasher.clone(), tasks.clone(), door.clone());
        let work = async move {
            let work = move |memory: &mut Memory| {
                door.wait();
                hash::verify(memory, b"a guess", None)
            };
            run(&hasher, &tasks, place, work).await
        };
        works.push(Box::pin(work));
    }
    // Each has come as far as it can without another one's end.
    for work in &mut works {
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(hasher.memories(), 2, "the others wait for one of them");
    door.open();
    for work in works {
        assert_eq!(work.await.expect("run"), Ok(false));
    }
    assert_eq!((hasher.done(), hasher.memories()), (8, 2));
    for n in 0..8 {
        let place = hasher.place(number(n), number(n), false).expect("a place");
        run(&hasher, &tasks, place, |_| ()).await.expect("run");
    }
    assert_eq!((hasher.done(), hasher.memories()), (8, 2), "no memory is made again");
}

#[test]
fn a_session_has_one_place_and_an_address_some() {
    let limits = AccountLimits { queue: 12, queue_of_one: 3, ..AccountLimits::default() };
    let hasher = hasher(limits);
    let place = |session, origin, known| hasher.place(number(session), number(origin), known);
    let mut held = vec![place(0, 100, false).expect("a place")];
    assert_eq!(place(0, 101, false).err(), Some(Full::Session));
    assert_eq!(place(0, 100, true).err(), Some(Full::Session), "also where it is known");
    held.push(place(1, 100, false).expect("a place"));
    held.push(place(2, 100, false).expect("a place"));
    assert_eq!(place(3, 100, false).err(), Some(Full::Queue), "three of one address");
    held.extend((3..6).map(|n| place(n, 100 + n, false).expect("a place of another address")));
    assert_eq!(place(6, 106, false).err(), Some(Full::Queue), "half of the places are not for strangers");
    held.extend((6..9).map(|n| place(n, 100, true).expect("a place of a known client")));
    assert_eq!(place(9, 100, true).err(), Some(Full::Queue), "three of one address that is known, too");
    held.extend((9..12).map(|n| place(n, 100 + n, true).expect("a place of another known client")));
    assert_eq!(place(12, 112, true).err(), Some(Full::Queue), "and all of them are taken now");
    drop(held);
    let known = (0..3).map(|n| place(n, 100, true).expect("places are given back")).collect::<Vec<_>>();
    assert!((3..6).all(|n| place(n, n, false).is_ok()), "known clients take no place of strangers");
    drop(known);
}

#[test]
fn an_office_gets_in_and_leaves_room_for_others() {
    let hasher = hasher(AccountLimits::default());
    let place = |session, origin, known| hasher.place(number(session), number(origin), known);
    let held: Vec<_> = (0..32).map(|n| place(n, 200, false).expect("a place at nine o'clock")).collect();
    assert_eq!(place(32, 200, false).err(), Some(Full::Queue));
    assert!(place(32, 201, false).is_ok() && place(32, 200, true).is_ok(), "others are not kept out");
    drop(held);
}

#[tokio::test]
async fn a_handler_that_is_dropped_leaves_its_place_to_the_work() {
    let (hasher, tasks, door) = (hasher(AccountLimits::default()), Tasks::default(), Door::default());
    let place = hasher.place(number(0), number(0), false).expect("a place");
    let wait = door.clone();
    {
        let mut work = pin!(run(&hasher, &tasks, place, move |_| wait.wait()));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(hasher.place(number(0), number(1), false).err(), Some(Full::Session), "it is being hashed");
    tasks.announce_stop();
    door.open();
    assert!(tasks.drain(std::time::Duration::from_secs(60)).await, "the task is owned, and waited for");
    assert!(hasher.place(number(0), number(1), false).is_ok());
}

#[tokio::test]
async fn a_hash_is_what_others_make_of_the_password() {
    use argon2::{Argon2, PasswordVerifier};
    let (hasher, tasks) = (hasher(AccountLimits::default()), Tasks::default());
    let place = hasher.place(number(0), number(0), false).expect("a place");
    let work = run(&hasher, &tasks, place, |memory| {
        let phc = hash::hash(memory, b"correct horse", &[7; 16]).expect("hashed");
        for (password, right) in [(b"correct horse".as_slice(), true), (b"correct hors", false)] {
            assert_eq!(hash::verify(memory, password, Some(&phc)), Ok(right), "in a memory that was used");
        }
        assert_eq!(hash::verify(memory, b"correct horse", None), Ok(false));
        assert!(hash::verify(memory, b"correct horse", Some("nonsense")).is_err());
        phc
    });
    let phc = work.await.expect("run");
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    assert!(Argon2::default().verify_password(b"correct horse", phc.as_str()).is_ok());
    assert_eq!((hasher.done(), hasher.memories()), (4, 1));
}

/// Handlers are sent between threads while they wait.
#[test]
fn handlers_that_sign_in_can_be_sent() {
    fn send<T: Send>(_: impl Fn(&'static super::Accounts, &'static mut crate::Cx) -> T) {}
    send(|accounts, cx| accounts.verify(cx, "", ""));
    send(|accounts, cx| accounts.register(cx, "", ""));
}
