//! How many instances a second a durable engine completes: start, one service task, end, 64 in flight. The
//! file is made in the folder that the first argument names, or in a temporary one. Beside it, what the step
//! alone can do.

use std::time::{Duration, Instant};

use bpe::feel::Context;
use bpe::{Done, Engine, Input, Library, Limits, Model, Order};
use futures_util::stream::{FuturesUnordered, StreamExt};
use kvs::Store;

const FILE: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
  <process id="bench">
    <startEvent id="start"/>
    <serviceTask id="work"/>
    <endEvent id="end"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
    <sequenceFlow id="f2" sourceRef="work" targetRef="end"/>
  </process>
</definitions>"#;

/// How many instances run at once.
const IN_FLIGHT: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args().nth(1).filter(|path| !path.starts_with('-'));
    let path = path.map_or_else(|| folder.path().to_owned(), Into::into).join("bench.redb");
    println!("{:.0} instances/s by the step alone", alone()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&format!("redb:{}", path.display())).await?;
        measure(&store, Duration::from_secs(1)).await?;
        for _ in 0..3 {
            let (instances, second) = measure(&store, Duration::from_secs(5)).await?;
            println!("{:.0} instances/s ({instances} in {second:.2} s)", instances as f64 / second);
        }
        Ok(())
    })
}

/// Starts and completes instances without a store.
fn alone() -> Result<f64, bpe::Error> {
    let (limits, now) = (Limits::default(), jiff::Timestamp::UNIX_EPOCH);
    let mut library = Library::new();
    for process in Model::strict(FILE.as_bytes(), &limits)?.processes {
        library.add(process);
    }
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < Duration::from_secs(1) {
        let variables = Context::from([("order".into(), "o-1000".into()), ("total".into(), 250.into())]);
        let (mut state, _) = bpe::start(&library, &limits, "bench", None, variables, now)?;
        let job = state.jobs().next().map_or(0, |(key, _)| key);
        bpe::step(&library, &limits, &mut state, Input::Complete { job, variables: Context::new() }, now)?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

async fn measure(store: &Store, time: Duration) -> Result<(usize, f64), Box<dyn std::error::Error>> {
    let (finished, mut ends) = tokio::sync::mpsc::unbounded_channel::<()>();
    let work = move |_: Order| {
        let finished = finished.clone();
        async move {
            // Told when the completion is on disk, so that only finished instances are counted.
            Ok(Done::new(Context::new()).with(move |txn| {
                let finished = finished.clone();
                txn.on_commit(move |_| {
                    let _ = finished.send(());
                });
                Ok(())
            }))
        }
    };
    let engine = Engine::builder(store).worker("work", work).open().await?;
    engine.deploy(FILE.as_bytes()).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = engine.run(async { drop(stopped.await) });
    let variables = Context::from([("order".into(), "o-1000".into()), ("total".into(), 250.into())]);
    let load = async {
        let begun = Instant::now();
        let (mut starting, mut count) = (FuturesUnordered::new(), 0);
        for _ in 0..IN_FLIGHT {
            starting.push(engine.start("bench", &variables));
        }
        let mut running = IN_FLIGHT;
        while running > 0 {
            tokio::select! {
                Some(started) = starting.next() => drop(started?),
                Some(()) = ends.recv() => {
                    count += 1;
                    running -= 1;
                    if begun.elapsed() < time {
                        running += 1;
                        starting.push(engine.start("bench", &variables));
                    }
                }
            }
        }
        drop(stop);
        Ok::<_, bpe::Error>((count, begun.elapsed().as_secs_f64()))
    };
    let ((), measured) = tokio::join!(run, load);
    Ok(measured?)
}
