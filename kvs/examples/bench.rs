//! The store's speed beside raw redb's in the same run: `cargo run --release -p kvs --example bench`.
//!
//! `--big` adds what takes a minute: a feed of 10 million entries, a table of a million records scanned, a
//! store of 1 GiB opened, also after a crash. `--open` measures only that last one, `--put` only one durable
//! put. `--json` prints one JSON object instead of the table. Figures are the best median of three runs;
//! disks and machines differ, so the ratios to raw redb are what is compared.

use std::{
    borrow::Cow,
    error::Error,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kvs::{From, Index, IndexKey, Options, Record, Store};
use redb::{Database, TableDefinition};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Of about 200 bytes as CBOR.
#[derive(Clone, Serialize, Deserialize)]
struct Partner {
    id: String,
    name: String,
    address: String,
    city: String,
    country: String,
    tax: u64,
    credit: i64,
    active: bool,
}

impl Record for Partner {
    const TABLE: &'static str = "partner";
    const INDEXES: &'static [Index<Self>] =
        &[Index::unique("tax", |partner| vec![IndexKey::of(partner.tax)])];
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// The same without an index, as raw redb has none.
#[derive(Clone, Serialize, Deserialize)]
struct Plain(Partner);

impl Record for Plain {
    const TABLE: &'static str = "plain";
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0.id)
    }
}

fn partner(number: u64) -> Partner {
    Partner {
        id: format!("partner-{number:08}"),
        name: "Ukrainian Exchange of Grain".to_owned(),
        address: "12 Velyka Vasylkivska Street, office 4".to_owned(),
        city: "Kyiv".to_owned(),
        country: "Ukraine".to_owned(),
        tax: 3_000_000_000 + number,
        credit: -120_000,
        active: true,
    }
}

#[derive(Default)]
struct Report(Vec<(String, f64, String)>);

impl Report {
    fn line(&mut self, name: impl Into<String>, figure: f64, unit: &str) {
        let name = name.into();
        eprintln!("{name:<58} {figure:>12.2} {unit}");
        self.0.push((name, figure, unit.to_owned()));
    }
}

fn main() -> Outcome {
    let big = std::env::args().any(|arg| arg == "--big");
    let json = std::env::args().any(|arg| arg == "--json");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let mut report = Report::default();
    if std::env::args().any(|arg| arg == "--open") {
        return runtime.block_on(gigabyte(&folder.path().join("gigabyte.redb"), &mut report));
    }
    for way in [Way { two_phase: true, quick: true }, Way { two_phase: true, quick: false }, Way::default()] {
        let name = match way {
            Way { quick: true, .. } => "two-phase, quick repair",
            Way { two_phase: true, .. } => "two-phase",
            Way { .. } => "one-phase",
        };
        let (mut raw, mut ours) = (Vec::new(), Vec::new());
        // In turns, so that a disk that changes its mood changes it for both.
        for run in 0..3 {
            raw.push(raw_puts(&folder.path().join(format!("raw-{name}-{run}.redb")), way)?);
            let path = folder.path().join(format!("ours-{name}-{run}.redb"));
            ours.push(runtime.block_on(puts(&path, way))?);
        }
        let (raw, ours) = (best(raw), best(ours));
        report.line(format!("raw redb: one durable put, {name}"), raw, "us");
        report.line(format!("kvs: one durable put, {name}"), ours, "us");
        report.line(format!("kvs / raw redb, {name}"), ours / raw, "times");
    }
    if std::env::args().any(|arg| arg == "--put") {
        return Ok(());
    }
    for feeds in [1, 64] {
        let mut rates = Vec::new();
        for run in 0..3 {
            let path = folder.path().join(format!("appends-{feeds}-{run}.redb"));
            rates.push(runtime.block_on(appends(&path, feeds, 64, 1_000))?);
        }
        rates.sort_by(f64::total_cmp);
        report.line(format!("64 tasks append to {feeds} feed(s), durable"), rates[2], "appends/s");
    }
    runtime.block_on(backup(folder.path(), &mut report))?;
    runtime.block_on(reads(&folder.path().join("reads.redb"), &mut report))?;
    let lengths: &[u64] = if big { &[10, 1_000, 100_000, 10_000_000] } else { &[10, 1_000, 100_000] };
    runtime.block_on(growth(&folder.path().join("growth.redb"), lengths, &mut report))?;
    if big {
        runtime.block_on(million(&folder.path().join("million.redb"), &mut report))?;
        runtime.block_on(gigabyte(&folder.path().join("gigabyte.redb"), &mut report))?;
    }
    if json {
        let lines: Vec<String> =
            report.0.iter().map(|(name, figure, unit)| format!("\"{name} [{unit}]\":{figure:.3}")).collect();
        println!("{{{}}}", lines.join(","));
    }
    Ok(())
}

fn best(medians: Vec<f64>) -> f64 {
    medians.into_iter().fold(f64::INFINITY, f64::min)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    micros(times[times.len() / 2])
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

const PUTS: u64 = 1_000;

/// How a durable commit is made, the same for both.
#[derive(Clone, Copy, Default)]
struct Way {
    two_phase: bool,
    quick: bool,
}

fn raw_puts(path: &Path, way: Way) -> Outcome<f64> {
    let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("raw");
    let database = Database::create(path)?;
    let value = vec![7u8; 230];
    let mut times = Vec::new();
    for number in 0..PUTS {
        let start = Instant::now();
        let mut txn = database.begin_write()?;
        txn.set_two_phase_commit(way.two_phase);
        txn.set_quick_repair(way.quick);
        txn.open_table(table)?.insert(format!("partner-{number:08}").as_bytes(), &value[..])?;
        txn.commit()?;
        times.push(start.elapsed());
    }
    Ok(median(times))
}

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

async fn puts(path: &Path, way: Way) -> Outcome<f64> {
    let options = Options::new().two_phase(way.two_phase).quick_repair(way.quick);
    let store = Store::open_with(&url(path), options).await?;
    let mut times = Vec::new();
    for number in 0..PUTS {
        let partner = Plain(partner(number));
        let start = Instant::now();
        let mut txn = store.txn();
        txn.put(&partner)?;
        txn.commit().await?;
        times.push(start.elapsed());
    }
    Ok(median(times))
}

async fn appends(path: &Path, feeds: u64, tasks: u64, each: u64) -> Outcome<f64> {
    let store = Store::open(&url(path)).await?;
    let start = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for task in 0..tasks {
        let store = store.clone();
        set.spawn(async move {
            let feed = format!("/bench/{}", task % feeds);
            for number in 0..each {
                let mut txn = store.txn();
                txn.append(&feed, &(task, number, "an entry of the usual size, a line or so"))?;
                txn.commit().await?;
            }
            Ok::<(), kvs::Error>(())
        });
    }
    while let Some(done) = set.join_next().await {
        done??;
    }
    let rate = (tasks * each) as f64 / start.elapsed().as_secs_f64();
    let mut txn = store.txn();
    let mut count = 0;
    for feed in 0..feeds {
        count += txn.count(&format!("/bench/{feed}")).await?;
    }
    assert_eq!(count, tasks * each, "every append is counted");
    Ok(rate)
}

/// How long a commit takes while others commit, too, and while a backup is made as well.
async fn backup(folder: &Path, report: &mut Report) -> Outcome {
    let store = Store::open(&url(&folder.join("load.redb"))).await?;
    fill(&store, 100_000, partner).await?;
    let mut latencies = [Vec::new(), Vec::new()];
    // In turns: the load during a backup, then alone for as long.
    for round in 0..3 {
        let (start, done) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let over = done.clone();
        let copy = async {
            let copied = store.backup(&folder.join(format!("backup-{round}.redb")), |_| ()).await;
            done.store(true, Ordering::Relaxed);
            copied
        };
        let (times, copied) = tokio::join!(load(&store, move || over.load(Ordering::Relaxed)), copy);
        copied?;
        latencies[1].extend(times?);
        let until = Instant::now() + start.elapsed();
        latencies[0].extend(load(&store, move || Instant::now() > until).await?);
    }
    for (mut times, name) in latencies.into_iter().zip(["8 tasks commit puts", "the same during a backup"]) {
        times.sort_unstable();
        report.line(format!("{name}: p50 of a commit"), micros(times[times.len() / 2]), "us");
        report.line(format!("{name}: p99 of a commit"), micros(times[times.len() * 99 / 100]), "us");
    }
    Ok(())
}

/// Eight tasks put records, each the next as soon as the last is on disk, until it is over.
async fn load(store: &Store, over: impl Fn() -> bool + Clone + Send + 'static) -> Outcome<Vec<Duration>> {
    let mut set = tokio::task::JoinSet::new();
    for task in 0..8u64 {
        let (store, over) = (store.clone(), over.clone());
        set.spawn(async move {
            let mut times = Vec::new();
            while !over() {
                let partner = Plain(partner(1_000_000 * task + times.len() as u64));
                let start = Instant::now();
                let mut txn = store.txn();
                txn.put(&partner)?;
                txn.commit().await?;
                times.push(start.elapsed());
            }
            Ok::<_, kvs::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(task) = set.join_next().await {
        times.extend(task??);
    }
    Ok(times)
}

async fn reads(path: &Path, report: &mut Report) -> Outcome {
    const RECORDS: u64 = 16_000;
    let store = Store::open(&url(path)).await?;
    let mut txn = store.txn();
    for number in 0..RECORDS {
        txn.put(&partner(number))?;
        txn.append("/erp/partners", &partner(number))?;
        txn.append("/erp/log", &(number, "a short entry"))?;
    }
    txn.commit().await?;

    let mut times = Vec::new();
    for round in 0..5u64 {
        let start = Instant::now();
        for number in 0..RECORDS {
            let id = format!("partner-{:08}", (number * 7919 + round) % RECORDS);
            store.get::<Partner>(&id).await?.ok_or("a record is missing")?;
        }
        times.push(start.elapsed() / RECORDS as u32);
    }
    report.line("get of a 200-byte record, decoded", median(times), "us");

    let mut times = Vec::new();
    for round in 0..5u64 {
        let start = Instant::now();
        for number in 0..RECORDS {
            let tax = 3_000_000_000 + (number * 7919 + round) % RECORDS;
            let mut txn = store.txn();
            txn.find_one::<Partner>("tax", IndexKey::of(tax)).await?.ok_or("a record is missing")?;
        }
        times.push(start.elapsed() / RECORDS as u32);
    }
    report.line("lookup by a unique index, decoded", median(times), "us");

    let short = read::<(u64, String)>(&store, "/erp/log", RECORDS).await?;
    report.line("a feed of 16,000 read, of short entries", short / 1e3, "ms");
    let long = read::<Partner>(&store, "/erp/partners", RECORDS).await?;
    report.line("a feed of 16,000 read, of 200-byte records", long / 1e3, "ms");
    Ok(())
}

/// The time to read a whole feed; to free what was read is not part of it.
async fn read<R: DeserializeOwned>(store: &Store, feed: &str, records: u64) -> Outcome<f64> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let entries = store.txn().feed::<R>(feed, From::Start, usize::MAX).await?;
        times.push(start.elapsed());
        assert_eq!(entries.len() as u64, records);
    }
    Ok(median(times))
}

async fn growth(path: &Path, lengths: &[u64], report: &mut Report) -> Outcome {
    let store = Store::open(&url(path)).await?;
    let mut length = 0;
    for target in lengths {
        while length < *target {
            let mut txn = store.txn();
            txn.behind();
            let step = (target - length).min(10_000);
            for number in length..length + step {
                txn.append("/long", &(number, "an entry of the usual size, a line or so"))?;
            }
            length += step;
            txn.commit().await?;
        }
        // A durable flush first, so that the first of the timed ones does not pay for the filling.
        let mut times = Vec::new();
        for number in 0..300u64 {
            let mut txn = store.txn();
            txn.append("/long", &(number, "an entry of the usual size, a line or so"))?;
            let start = Instant::now();
            txn.commit().await?;
            times.push(start.elapsed());
        }
        length += 300;
        report.line(format!("one durable append to a feed of {target}"), median(times), "us");
    }
    Ok(())
}

async fn million(path: &Path, report: &mut Report) -> Outcome {
    const RECORDS: u64 = 1_000_000;
    let store = Store::open_with(&url(path), Options::new().cache(64 << 20)).await?;
    fill(&store, RECORDS, partner).await?;
    let before = resident();
    let (mut seen, mut after, mut peak) = (0, None::<String>, before);
    let start = Instant::now();
    loop {
        let mut txn = store.txn();
        let page = txn.range::<Partner>("", after.as_deref(), 1_000).await?;
        seen += page.len() as u64;
        peak = peak.max(resident());
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
    }
    assert_eq!(seen, RECORDS);
    report.line("a table of 1,000,000 scanned", start.elapsed().as_secs_f64() * 1e3, "ms");
    report.line("memory while it is scanned, over before (cache 64 MiB)", (peak - before) / 1024.0, "MiB");
    Ok(())
}

async fn gigabyte(path: &Path, report: &mut Report) -> Outcome {
    let store = Store::open(&url(path)).await?;
    fill(&store, 1 << 20, |number| Partner { address: "x".repeat(850), ..partner(number) }).await?;
    drop(store);
    report.line("size of the store to open", fs::metadata(path)?.len() as f64 / f64::from(1 << 30), "GiB");
    // What was written to fill it is not to be waited for below.
    fs::File::open(path)?.sync_all()?;
    let (mut times, mut closes) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let start = Instant::now();
        let store = Store::open(&url(path)).await?;
        times.push(start.elapsed());
        let mut txn = store.txn();
        txn.put(&partner(0))?;
        txn.commit().await?;
        let start = Instant::now();
        drop(store);
        closes.push(start.elapsed());
    }
    report.line("open it", median(times) / 1e3, "ms");
    report.line("close it", median(closes) / 1e3, "ms");
    // As a crash leaves it: copied while it is open, without a close.
    let store = Store::open(&url(path)).await?;
    let mut txn = store.txn();
    txn.put(&partner(0))?;
    txn.commit().await?;
    let crashed = path.with_extension("crashed");
    fs::copy(path, &crashed)?;
    let again = path.with_extension("crashed-again");
    fs::copy(path, &again)?;
    for copy in [&crashed, &again] {
        fs::File::open(copy)?.sync_all()?;
    }
    drop(store);
    // In turns: with the list of free pages in each commit and without, with the check in the background
    // and without.
    let mut puts = [const { Vec::new() }; 3];
    let mut gets = [const { Vec::new() }; 3];
    for round in 0..9u64 {
        let way = (round % 3) as usize;
        let options = Options::new().quick_repair(way != 1).scrub(if way == 2 { 4 << 20 } else { 0 });
        let store = Store::open_with(&url(path), options).await?;
        for number in 0..100u64 {
            let record = Partner { address: "x".repeat(850), ..partner((number + round * 100) * 1_161) };
            let start = Instant::now();
            let mut txn = store.txn();
            txn.put(&record)?;
            txn.commit().await?;
            puts[way].push(start.elapsed());
            let start = Instant::now();
            store.get::<Partner>(&record.id).await?.ok_or("a record is missing")?;
            gets[way].push(start.elapsed());
        }
    }
    for (way, (puts, gets)) in puts.into_iter().zip(gets).enumerate() {
        let way = ["unchecked", "without quick repair", "while it is checked"][way];
        report.line(format!("one durable put into it, {way}"), median(puts), "us");
        report.line(format!("get of what was put, {way}"), median(gets), "us");
    }
    let start = Instant::now();
    drop(Database::open(&again)?);
    let raw = start.elapsed();
    report.line("raw redb: open it after a crash", raw.as_secs_f64() * 1e3, "ms");
    let start = Instant::now();
    let store = Store::open(&url(&crashed)).await?;
    let ours = start.elapsed();
    report.line("kvs: open it after a crash", ours.as_secs_f64() * 1e3, "ms");
    report.line("kvs / raw redb, open after a crash", ours.as_secs_f64() / raw.as_secs_f64(), "times");
    drop(store);
    Ok(())
}

async fn fill(store: &Store, records: u64, make: impl Fn(u64) -> Partner) -> Outcome {
    for chunk in 0..records.div_ceil(10_000) {
        let mut txn = store.txn();
        txn.behind();
        for number in chunk * 10_000..((chunk + 1) * 10_000).min(records) {
            txn.put(&make(number))?;
        }
        txn.commit().await?;
    }
    Ok(())
}

/// Resident memory in KiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
