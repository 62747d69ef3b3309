//! Load: many clients that do the next thing when the last one is answered, and what they measure.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use n2o::Format;
use tokio::task::JoinSet;

use super::{
    Failure,
    child::Server,
    client::{Client, Role},
    http::Http,
    usage::Usage,
};

/// What happens before a measurement begins, as a part of its time.
const WARM: f64 = 0.3;
/// Connections that are opened at the same time.
const OPENERS: usize = 16;
/// Turns before a single client's times are noted.
const FIRST: usize = 500;

/// Where a server is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) pid: Option<u32>,
}

impl Target {
    pub(crate) fn of(server: &Server) -> Self {
        Target { address: server.address, pid: server.pid }
    }
}

/// A connection for `GET`, opened when it is needed and kept.
#[derive(Debug, Default)]
pub(crate) struct Link(Option<Http>);

impl Link {
    pub(crate) async fn to(&mut self, server: &Target) -> io::Result<&mut Http> {
        Ok(match self.0.take() {
            Some(http) => self.0.insert(http),
            None => self.0.insert(Http::open(server.address).await?),
        })
    }
}

/// How long a measurement takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    Time(Duration),
    /// So many turns of each client, whatever time they need.
    Turns(usize),
}

/// Opens many clients.
pub(crate) async fn open(server: Target, role: &Role, count: usize) -> Result<Vec<Client>, Failure> {
    let mut openers = JoinSet::new();
    for opener in 0..OPENERS {
        let role = role.clone();
        openers.spawn(async move {
            let mut link = Link::default();
            let mut clients = Vec::new();
            for _ in (opener..count).step_by(OPENERS) {
                clients.push(Client::open(&mut link, &server, &role).await?);
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
    done: AtomicU64,
    over: AtomicBool,
}

/// What a meter and the processes show at one moment.
struct Look {
    at: Instant,
    done: u64,
    server: Option<Usage>,
    own: Usage,
}

impl Meter {
    pub(crate) fn add(&self, count: usize) {
        self.done.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    fn look(&self, server: Target) -> Look {
        Look {
            at: Instant::now(),
            done: self.done.load(Relaxed),
            server: server.pid.and_then(Usage::of),
            own: Usage::of(std::process::id()).unwrap_or_default(),
        }
    }

    /// Looks at the count before and after a time, or until the running clients have done their turns; then says
    /// that it is over. A client that ended before is a failure, which is told at once.
    pub(crate) async fn measure<T: 'static>(
        &self,
        server: Target,
        span: Span,
        running: &mut JoinSet<io::Result<T>>,
    ) -> Result<(Rate, Vec<T>), Failure> {
        let mut ended = Vec::new();
        let (before, after) = match span {
            Span::Time(time) => {
                self.last(time.mul_f64(WARM), running).await?;
                let before = self.look(server);
                self.last(time, running).await?;
                (before, self.look(server))
            }
            Span::Turns(_) => {
                let before = self.look(server);
                while let Some(client) = running.join_next().await {
                    ended.push(client??);
                }
                (before, self.look(server))
            }
        };
        self.over.store(true, Relaxed);
        let (seconds, done) = ((after.at - before.at).as_secs_f64(), (after.done - before.done) as f64);
        let used = after.server.zip(before.server).map(|(after, before)| after.since(before));
        let rate = Rate {
            per_second: done / seconds,
            micros: used.map(|used| used.busy * 1e6 / done.max(1.0)),
            server: used.map_or(0.0, |used| used.busy / seconds),
            load: after.own.since(before.own).busy / seconds,
            waited: used.map_or(0.0, |used| used.waiting / seconds),
        };
        Ok((rate, ended))
    }

    /// Lets clients run for a time, at whose end they still run.
    async fn last<T: 'static>(
        &self,
        time: Duration,
        running: &mut JoinSet<io::Result<T>>,
    ) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            Some(ended) = running.join_next() => {
                ended??;
                Err("a client ended before its time".into())
            }
        }
    }
}

/// Lets every client do its act again and again.
pub(crate) async fn turns(
    server: Target,
    clients: Vec<Client>,
    span: Span,
) -> Result<(Rate, Vec<Client>), Failure> {
    let meter = Arc::new(Meter::default());
    let mut running = JoinSet::new();
    for mut client in clients {
        let meter = Arc::clone(&meter);
        running.spawn(async move {
            let mut turns = 0;
            while !meter.is_over() && more(span, turns) {
                client.turn().await?;
                meter.add(1);
                turns += 1;
            }
            Ok::<_, io::Error>(client)
        });
    }
    let (rate, mut clients) = meter.measure(server, span, &mut running).await?;
    while let Some(client) = running.join_next().await {
        clients.push(client??);
    }
    Ok((rate, clients))
}

/// Whether a client that has had so many turns goes on.
pub(crate) fn more(span: Span, turns: usize) -> bool {
    !matches!(span, Span::Turns(most) if turns >= most)
}

/// How long one client waits for its answers, in microseconds: the median, and what 1 % exceed.
pub(crate) async fn wait(client: &mut Client, span: Span) -> Result<(f64, f64), Failure> {
    if let Span::Time(_) = span {
        for _ in 0..FIRST {
            client.turn().await?;
        }
    }
    let mut times = Vec::new();
    let begun = Instant::now();
    while goes_on(span, begun, times.len()) {
        times.push(once(client).await?);
    }
    Ok((part(&mut times, 0.5), part(&mut times, 0.99)))
}

/// How long one client waits for two kinds of answers that come in turn, in milliseconds.
pub(crate) async fn both(client: &mut Client, span: Span) -> Result<(f64, f64), Failure> {
    let (mut odd, mut even) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while odd.is_empty() || goes_on(span, begun, odd.len()) {
        odd.push(once(client).await? / 1e3);
        even.push(once(client).await? / 1e3);
    }
    Ok((part(&mut odd, 0.5), part(&mut even, 0.5)))
}

fn goes_on(span: Span, begun: Instant, turns: usize) -> bool {
    match span {
        Span::Time(time) => begun.elapsed() < time,
        Span::Turns(most) => turns < most,
    }
}

async fn once(client: &mut Client) -> io::Result<f64> {
    let sent = Instant::now();
    client.turn().await?;
    Ok(sent.elapsed().as_secs_f64() * 1e6)
}

/// What a part of the times does not exceed.
fn part(times: &mut [f64], part: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get((times.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
}

/// What a visitor fetches before he connects.
#[derive(Clone, Debug)]
pub(crate) enum Visit {
    /// A page, to which he connects.
    Page(&'static str),
    /// A static document of so many bytes, and an echo that is used once.
    Echo { document: usize, bytes: usize },
}

/// Lets visitors come, connect and leave, one after the other in each of several lines.
pub(crate) async fn visits(server: Target, visit: &Visit, span: Span) -> Result<Rate, Failure> {
    let meter = Arc::new(Meter::default());
    let mut running = JoinSet::new();
    for _ in 0..OPENERS * 2 {
        let (meter, visit) = (Arc::clone(&meter), visit.clone());
        running.spawn(async move {
            let (mut link, mut turns) = (Link::default(), 0);
            while !meter.is_over() && more(span, turns) {
                let http = link.to(&server).await?;
                match visit {
                    Visit::Page(path) => {
                        http.visit(path).await?.connect(Format::Cbor).await?.leave().await?;
                    }
                    Visit::Echo { document, bytes } => {
                        http.get(&format!("/document/{document}")).await?;
                        let mut client = Client::open(&mut link, &server, &Role::echo(bytes)).await?;
                        client.turn().await?;
                        client.socket.leave().await?;
                    }
                }
                meter.add(1);
                turns += 1;
            }
            Ok::<_, io::Error>(())
        });
    }
    let (rate, _) = meter.measure(server, span, &mut running).await?;
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(rate)
}
