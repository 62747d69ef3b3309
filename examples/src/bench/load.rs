//! Load: clients that do the next thing when the last one is answered, and what they measure.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    Failure,
    child::{Server, Side},
    frames::{self, Frame},
    http::{Fetched, Http},
    socket::Socket,
    usage::Usage,
};

/// What happens before a measurement begins, as a part of its time.
const WARM: f64 = 0.3;
/// Connections that are opened at the same time.
const OPENERS: usize = 16;

/// What a client does again and again.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Uses an element that is bound to an event without sources.
    Click(&'static str),
    /// Sends so many bytes to be echoed.
    Echo(usize),
}

/// A client with its connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: Socket,
    act: Act,
    seal: Vec<u8>,
    seq: u64,
    frame: Vec<u8>,
}

impl Client {
    /// Visits a page and connects, or connects to an echo.
    pub(crate) async fn open(
        http: &mut Option<Http>,
        server: &Target,
        path: &str,
        act: Act,
    ) -> io::Result<Self> {
        let (socket, seal) = match &act {
            Act::Echo(_) => (Socket::open(server.address, "/", "").await?, Vec::new()),
            Act::Click(element) => {
                let page = server.fetch(http, path).await?;
                (page.connect().await?, if element.is_empty() { Vec::new() } else { page.seal(element)? })
            }
        };
        Ok(Client { socket, act, seal, seq: 0, frame: Vec::new() })
    }

    /// Bytes of one turn, down and up, with the heads of the frames.
    pub(crate) fn bytes(&self) -> (f64, f64) {
        let turns = self.seq.max(1) as f64;
        (self.socket.down as f64 / turns, self.socket.up as f64 / turns)
    }

    /// Does it once, and waits for the answer.
    pub(crate) async fn turn(&mut self) -> io::Result<()> {
        self.seq += 1;
        match self.act {
            Act::Echo(len) => self.frame.resize(len, b'x'),
            Act::Click(element) => frames::event(&mut self.frame, self.seq, element, &self.seal, &[]),
        }
        self.socket.send(&self.frame).await?;
        let answer = self.socket.recv().await?;
        match self.act {
            Act::Echo(len) if answer.len() == len => Ok(()),
            Act::Click(_) if frames::read(answer) == Frame::Answer => Ok(()),
            _ => Err(io::Error::other(format!("{:?}: unexpected answer {answer:02x?}", self.act))),
        }
    }
}

/// Where a server is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) side: Side,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) pid: Option<u32>,
}

impl Target {
    pub(crate) fn of(side: Side, server: &Server) -> Self {
        Target { side, address: server.address, pid: server.pid }
    }

    /// Fetches a page over a connection that is kept.
    pub(crate) async fn fetch(&self, http: &mut Option<Http>, path: &str) -> io::Result<Fetched> {
        if http.is_none() {
            *http = Some(Http::open(self.address).await?);
        }
        match http {
            Some(http) => http.get(path).await,
            None => unreachable!("it was just opened"),
        }
    }
}

/// Opens many clients.
pub(crate) async fn open(
    server: Target,
    path: &'static str,
    act: Act,
    count: usize,
) -> Result<Vec<Client>, Failure> {
    let mut openers = JoinSet::new();
    for opener in 0..OPENERS {
        let act = act.clone();
        openers.spawn(async move {
            let mut http = None;
            let mut clients = Vec::new();
            for _ in (opener..count).step_by(OPENERS) {
                clients.push(Client::open(&mut http, &server, path, act.clone()).await?);
            }
            Ok::<_, io::Error>(clients)
        });
    }
    let mut clients = Vec::with_capacity(count);
    while let Some(opened) = openers.join_next().await {
        clients.extend(opened??);
    }
    Ok(clients)
}

/// What all clients together did in the time of a measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    /// The server's processor time for each, in microseconds.
    pub(crate) micros: Option<f64>,
    /// Parts of the time that the server and the load were on a core, and that the server waited for one.
    pub(crate) server: f64,
    pub(crate) load: f64,
    pub(crate) waited: f64,
}

/// Counts, and tells clients when it is over.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) done: AtomicU64,
    pub(crate) over: AtomicBool,
}

impl Meter {
    pub(crate) fn add(&self, count: usize) {
        self.done.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// Looks at the count before and after `time`, then says that it is over.
    pub(crate) async fn measure(&self, server: Target, time: Duration) -> Rate {
        tokio::time::sleep(time.mul_f64(WARM)).await;
        let look = || {
            let own = Usage::of(std::process::id()).unwrap_or_default();
            (self.done.load(Relaxed), server.pid.and_then(Usage::of), own, Instant::now())
        };
        let before = look();
        tokio::time::sleep(time).await;
        let after = look();
        self.over.store(true, Relaxed);
        let (seconds, done) = ((after.3 - before.3).as_secs_f64(), (after.0 - before.0) as f64);
        let used = after.1.zip(before.1).map(|(after, before)| after.since(before));
        Rate {
            per_second: done / seconds,
            micros: used.map(|used| used.busy * 1e6 / done.max(1.0)),
            server: used.map_or(0.0, |used| used.busy / seconds),
            load: after.2.since(before.2).busy / seconds,
            waited: used.map_or(0.0, |used| used.waiting / seconds),
        }
    }
}

/// Lets every client do its act again and again.
pub(crate) async fn turns(
    server: Target,
    clients: Vec<Client>,
    time: Duration,
) -> Result<(Rate, Vec<Client>), Failure> {
    let meter = Arc::new(Meter::default());
    let mut running = JoinSet::new();
    for mut client in clients {
        let meter = Arc::clone(&meter);
        running.spawn(async move {
            while !meter.is_over() {
                client.turn().await?;
                meter.add(1);
            }
            Ok::<_, io::Error>(client)
        });
    }
    let rate = meter.measure(server, time).await;
    let mut clients = Vec::new();
    while let Some(client) = running.join_next().await {
        clients.push(client??);
    }
    Ok((rate, clients))
}

/// How long one client waits for its answers, in microseconds: the median, and what 1 % exceed.
pub(crate) async fn wait(client: &mut Client, time: Duration) -> Result<(f64, f64), Failure> {
    for _ in 0..500 {
        client.turn().await?;
    }
    let (begun, mut times) = (Instant::now(), Vec::with_capacity(100_000));
    while begun.elapsed() < time {
        let sent = Instant::now();
        client.turn().await?;
        times.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
    Ok((at(0.5), at(0.99)))
}

/// Lets visitors come, connect and leave, one after the other in each of several lines.
pub(crate) async fn visits(server: Target, path: &'static str, time: Duration) -> Result<Rate, Failure> {
    let meter = Arc::new(Meter::default());
    let mut running = JoinSet::new();
    for _ in 0..OPENERS * 2 {
        let meter = Arc::clone(&meter);
        running.spawn(async move {
            let mut http = None;
            while !meter.is_over() {
                if server.side == Side::Ours {
                    let page = server.fetch(&mut http, path).await?;
                    page.connect().await?.leave().await?;
                } else {
                    let mut client = Client::open(&mut http, &server, path, Act::Echo(50)).await?;
                    client.turn().await?;
                    client.socket.leave().await?;
                }
                meter.add(1);
            }
            Ok::<_, io::Error>(())
        });
    }
    let rate = meter.measure(server, time).await;
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(rate)
}
