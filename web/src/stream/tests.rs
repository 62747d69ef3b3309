//! Time and room that clients get, by the runtime's clock, which goes on when nothing else can.

use futures_util::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, sleep},
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Limits { socket_frames: 100, rate: 10, burst: 10, socket_bytes: 10_000, pace: 1_000, ..Limits::default() }
}

/// Both ends of a connection, as HTTP.
fn http(limits: &Limits) -> (Guarded<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(1 << 20);
    (Guarded::new(near, Arc::new(Bounds::new(limits))), far)
}

/// Both ends of a page's connection; what `early` says was sent behind the request for it.
async fn socket(bounds: &Arc<Bounds>, early: &[u8]) -> (Guarded<DuplexStream>, DuplexStream) {
    let (near, mut far) = duplex(1 << 20);
    let mut near = Guarded::new(near, Arc::clone(bounds));
    let head = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    far.write_all(&[head, early].concat()).await.expect("a head");
    let mut read = vec![0; 1024];
    let len = near.read(&mut read).await.expect("the head");
    assert_eq!(&read[..len], head, "and nothing of what is behind it");
    near.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.expect("an answer");
    (near, far)
}

/// A final frame of a client, of fewer than 126 bytes.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len().to_le_bytes()[0];
    [&[0x80 | opcode, 0x80 | len, 0, 0, 0, 0], payload].concat()
}

/// The head of a data frame of 65,536 bytes or more.
fn long(first: u8, len: u64) -> Vec<u8> {
    [&[first, 0xff][..], &len.to_be_bytes(), &[0; 4]].concat()
}

/// Reads to the end or an error, and says how long that took and why it ended.
async fn drained(near: Guarded<DuplexStream>) -> (usize, Duration, Option<Cut>) {
    let read = tokio::time::timeout(3_600 * SECOND, read_on(near)).await;
    read.expect("an end within the hour")
}

async fn read_on(mut near: Guarded<DuplexStream>) -> (usize, Duration, Option<Cut>) {
    let (start, mut all, mut some) = (Instant::now(), 0, [0; 1024]);
    loop {
        match near.read(&mut some).await {
            Ok(0) => return (all, start.elapsed(), None),
            Ok(len) => all += len,
            Err(error) => {
                let cut = error.get_ref().and_then(|error| error.downcast_ref::<Cut>()).copied();
                return (all, start.elapsed(), cut);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_frames_is_read_slowly() {
    let bounds = Arc::new(Bounds::new(&Limits { socket_bytes: 1 << 30, ..limits() }));
    // Pings, pongs, and the empty fragments of one message.
    for (sent, first) in
        [(frame(9, b""), None), (frame(10, b"x"), None), (vec![0, 0x80, 0, 0, 0, 0], Some(2))]
    {
        let (near, mut far) = socket(&bounds, b"").await;
        let mut flood = sent.repeat(2_000);
        flood[0] = first.unwrap_or(flood[0]);
        far.write_all(&flood).await.expect("room");
        drop(far);
        let (read, took, cut) = drained(near).await;
        assert_eq!((read, cut), (flood.len(), None));
        // Two hundred at once, then a hundred a second; what a read finds in its buffer is not split.
        assert!(took >= 16 * SECOND && took < 19 * SECOND, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_bytes_is_read_slowly() {
    let bounds = Arc::new(Bounds::new(&Limits { socket_frames: 100_000, ..limits() }));
    let (near, mut far) = socket(&bounds, b"").await;
    let flood = frame(2, &[7; 100]).repeat(2_000);
    far.write_all(&flood).await.expect("room");
    drop(far);
    let (read, took, _) = drained(near).await;
    assert_eq!(read, flood.len());
    assert!(took >= 18 * SECOND && took < 20 * SECOND, "212,000 bytes: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn who_sends_as_people_do_never_waits() {
    let bounds = Arc::new(Bounds::new(&limits()));
    let (near, mut far) = socket(&bounds, &frame(2, b"early")).await;
    let reading = async { drained(near).await };
    let writing = async {
        for _ in 0..1_000 {
            far.write_all(&frame(2, &[7; 50])).await.expect("room");
            sleep(SECOND / 20).await;
        }
        drop(far);
    };
    let ((read, took, cut), ()) = tokio::join!(reading, writing);
    assert_eq!((read, cut), (11 + 56 * 1_000, None), "what came early is not lost");
    assert!(took < 51 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_has_begun_comes_or_is_cut() {
    let bounds = Arc::new(Bounds::new(&limits()));
    let half = [0x82, 0x85, 0, 0, 0, 0, b'h', b'a'];
    let open = [0x02, 0x81, 0, 0, 0, 0, b'x'];
    // A head, a payload, a fragment, and a control frame, each but for its end.
    for begun in [&half[..1], &half[..4], &half, &open, &[0x89, 0x84, 0, 0, 0, 0, 1]] {
        let (near, mut far) = socket(&bounds, b"").await;
        far.write_all(begun).await.expect("room");
        let (_, took, cut) = drained(near).await;
        assert_eq!(cut, Some(Cut::Slow), "{begun:?}");
        assert!(took >= 10 * SECOND && took < 11 * SECOND, "{begun:?}: {took:?}");
        drop(far);
    }
    // Silence between messages is nobody's fault.
    let (near, mut far) = socket(&bounds, b"").await;
    far.write_all(&frame(2, b"whole")).await.expect("room");
    let patient = async {
        sleep(600 * SECOND).await;
        drop(far);
    };
    let ((_, took, cut), ()) = tokio::join!(drained(near), patient);
    assert_eq!(cut, None);
    assert!(took >= 600 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_long_message_may_take_as_long_as_its_pace_allows() {
    let bounds = Arc::new(Bounds::new(&limits()));
    for (step, whole) in [(SECOND / 2, true), (2 * SECOND, false)] {
        let (near, mut far) = socket(&bounds, &long(0x82, 100_000)).await;
        let writing = async {
            for _ in 0..100 {
                if far.write_all(&[7; 1_000]).await.is_err() {
                    break;
                }
                sleep(step).await;
            }
            drop(far);
        };
        let ((_, took, cut), ()) = tokio::join!(drained(near), writing);
        // At half the pace the ten seconds beyond it are over after about twenty.
        assert_eq!(cut, (!whole).then_some(Cut::Slow), "{took:?}");
        assert!(whole || took < 25 * SECOND, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn unfinished_messages_have_so_much_room_together() {
    let roomy = Limits { socket_bytes: 1 << 30, unfinished: 150_000, ..limits() };
    let bounds = Arc::new(Bounds::new(&roomy));
    let unfinished = async || {
        let (mut near, mut far) = socket(&bounds, &long(0x82, 120_000)).await;
        far.write_all(&[7; 100_000]).await.expect("room");
        let (mut all, mut some) = (0, [0; 4096]);
        while all < 100_000 {
            match near.read(&mut some).await {
                Ok(len) => all += len,
                Err(error) => return Err(error.get_ref().expect("why").downcast_ref::<Cut>().copied()),
            }
        }
        Ok((near, far))
    };
    let (first, mut client) = unfinished().await.expect("room for one");
    assert_eq!(unfinished().await.err(), Some(Some(Cut::Full)), "and not for two");
    let (near, mut far) = socket(&bounds, &frame(2, b"short")).await;
    far.write_all(&frame(2, b"ones")).await.expect("room");
    drop(far);
    assert_eq!(drained(near).await.2, None, "short messages need none");
    client.write_all(&[7; 20_000]).await.expect("room");
    drop(client);
    let (_, _, cut) = drained(first).await;
    assert_eq!((cut, bounds.unfinished.load(Ordering::Relaxed)), (None, 0), "a whole message takes none");
    let kept = unfinished().await.expect("room for one again");
    drop(kept);
    assert_eq!(bounds.unfinished.load(Ordering::Relaxed), 0, "nor does one whose connection is gone");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_begun_comes_or_is_cut() {
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let (near, mut far) = http(&limits());
        far.write_all(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").as_bytes())
            .await
            .expect("room");
        let (_, took, cut) = drained(near).await;
        assert_eq!(cut, Some(Cut::Slow), "{framing}");
        assert!(took >= 10 * SECOND && took < 11 * SECOND, "{framing}: {took:?}");
        drop(far);
    }
    for (step, whole) in [(SECOND / 2, true), (2 * SECOND, false)] {
        let (near, mut far) = http(&limits());
        let writing = async {
            let _ = far.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
            for _ in 0..100 {
                if far.write_all(&[7; 1_000]).await.is_err() {
                    break;
                }
                sleep(step).await;
            }
            drop(far);
        };
        let ((_, took, cut), ()) = tokio::join!(drained(near), writing);
        assert_eq!(cut, (!whole).then_some(Cut::Slow), "{took:?}");
        assert!(whole || took < 25 * SECOND, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_asked_for_is_not_waited_for() {
    let (mut near, mut far) = http(&limits());
    far.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab").await.expect("room");
    let mut some = [0; 1024];
    assert!(near.read(&mut some).await.expect("the head") > 0);
    // The handler is busy: that is not the client's fault.
    sleep(60 * SECOND).await;
    let writing = async {
        sleep(SECOND).await;
        far.write_all(b"cd").await.expect("room");
    };
    let (read, ()) = tokio::join!(near.read(&mut some), writing);
    assert_eq!(read.expect("the rest"), 2);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_a_handler_does_not_read_a_body_is_not_the_clients() {
    let limits = Limits { head: 10 * SECOND, pace: 1_000_000, ..limits() };
    let (mut near, mut far) = http(&limits);
    far.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n").await.expect("a head");
    let mut read = [0; 1024];
    assert!(near.read(&mut read).await.expect("the head") > 0);
    for _ in 0..4 {
        assert!(near.read(&mut read).now_or_never().is_none(), "the body is waited for");
        sleep(2 * SECOND).await;
        far.write_all(b"x").await.expect("a piece");
        sleep(60 * SECOND).await;
        assert_eq!(near.read(&mut read).await.expect("the piece"), 1);
    }
    let (read, took, cut) = drained(near).await;
    assert_eq!((read, cut), (0, Some(Cut::Slow)));
    assert!(took >= SECOND && took <= 3 * SECOND, "8 of 10 seconds were the client's: {took:?}");
}
