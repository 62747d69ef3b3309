//! A random process is driven by random inputs twice: once undisturbed, and once with the engine dying again
//! and again in the middle of what it does. Both must end in the same place, and no work may be counted
//! twice.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use bpe::feel::Context;
use bpe::{Clock, Done, Engine, Happened, Instance, On, Order};
use kvs::Store;
use proptest::prelude::*;

/// A part of a process with one way in and one way out.
#[derive(Clone, Debug)]
enum Block {
    User,
    Service,
    Timer(u8),
    Message,
    Signal,
    Sequence(Vec<Block>),
    Exclusive(bool, Box<Block>, Box<Block>),
    Parallel(Vec<Block>),
    Inclusive(Vec<(bool, Block)>),
    Sub(Box<Block>),
    Bounded(u8, Box<Block>),
    Multi(u8, bool),
}

fn block() -> impl Strategy<Value = Block> {
    let leaf = prop_oneof![
        3 => Just(Block::User),
        4 => Just(Block::Service),
        1 => (1..200_u8).prop_map(Block::Timer),
        1 => Just(Block::Message),
        1 => Just(Block::Signal),
        1 => (0..4_u8, any::<bool>()).prop_map(|(n, sequential)| Block::Multi(n, sequential)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Block::Sequence),
            (any::<bool>(), inner.clone(), inner.clone()).prop_map(|(yes, a, b)| Block::Exclusive(
                yes,
                Box::new(a),
                Box::new(b)
            )),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Parallel),
            prop::collection::vec((any::<bool>(), inner.clone()), 2..4).prop_map(Block::Inclusive),
            inner.clone().prop_map(|inner| Block::Sub(Box::new(inner))),
            (1..200_u8, inner).prop_map(|(minutes, inner)| Block::Bounded(minutes, Box::new(inner))),
        ]
    })
}

/// Writes a process; ids are numbers in the order of writing.
#[derive(Default)]
struct Writer {
    count: u32,
    declared: String,
}

impl Writer {
    fn id(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}{}", self.count)
    }

    fn flow(out: &mut String, from: &str, to: &str, condition: Option<bool>) {
        let condition = condition.map(|c| format!("<conditionExpression>= {c}</conditionExpression>"));
        let condition = condition.unwrap_or_default();
        write!(out, "<sequenceFlow id=\"{from}_{to}\" sourceRef=\"{from}\" targetRef=\"{to}\">{condition}</sequenceFlow>")
            .unwrap();
    }

    fn block(&mut self, block: &Block, out: &mut String) -> (String, String) {
        match block {
            Block::User => self.single("user", |id| format!("<userTask id=\"{id}\"/>"), out),
            Block::Service => {
                self.single("service", |id| format!("<serviceTask id=\"{id}\">{SERVICE}</serviceTask>"), out)
            }
            Block::Multi(n, sequential) => {
                let repeat = format!(
                    "<multiInstanceLoopCharacteristics isSequential=\"{sequential}\"><loopCardinality>{n}\
                     </loopCardinality></multiInstanceLoopCharacteristics>"
                );
                self.single(
                    "multi",
                    |id| format!("<serviceTask id=\"{id}\">{SERVICE}{repeat}</serviceTask>"),
                    out,
                )
            }
            Block::Timer(minutes) => {
                let timer = timer(*minutes);
                self.single(
                    "timer",
                    |id| format!("<intermediateCatchEvent id=\"{id}\">{timer}</intermediateCatchEvent>"),
                    out,
                )
            }
            Block::Message => {
                let name = self.id("message");
                write!(self.declared, "<message id=\"{name}\" name=\"{name}\"/>").unwrap();
                let event = format!("<messageEventDefinition messageRef=\"{name}\"/>");
                self.single(
                    "catch",
                    |id| format!("<intermediateCatchEvent id=\"{id}\">{event}</intermediateCatchEvent>"),
                    out,
                )
            }
            Block::Signal => {
                let event = "<signalEventDefinition signalRef=\"sig\"/>";
                self.single(
                    "throw",
                    |id| format!("<intermediateThrowEvent id=\"{id}\">{event}</intermediateThrowEvent>"),
                    out,
                )
            }
            Block::Sequence(blocks) => {
                let ends: Vec<_> = blocks.iter().map(|block| self.block(block, out)).collect();
                for pair in ends.windows(2) {
                    Self::flow(out, &pair[0].1, &pair[1].0, None);
                }
                (ends[0].0.clone(), ends[ends.len() - 1].1.clone())
            }
            Block::Exclusive(yes, a, b) => {
                self.branches("exclusive", &[(Some(*yes), &**a), (Some(true), &**b)], out)
            }
            Block::Parallel(blocks) => {
                let all: Vec<_> = blocks.iter().map(|block| (None, block)).collect();
                self.branches("parallel", &all, out)
            }
            Block::Inclusive(blocks) => {
                // The last branch is always open, so that one is.
                let last = blocks.len() - 1;
                let all =
                    blocks.iter().enumerate().map(|(at, (open, block))| (Some(*open || at == last), block));
                self.branches("inclusive", &all.collect::<Vec<_>>(), out)
            }
            Block::Sub(inner) => {
                let (id, start, end) = (self.id("sub"), self.id("start"), self.id("end"));
                let mut inside = format!("<startEvent id=\"{start}\"/><endEvent id=\"{end}\"/>");
                let (first, last) = self.block(inner, &mut inside);
                Self::flow(&mut inside, &start, &first, None);
                Self::flow(&mut inside, &last, &end, None);
                write!(out, "<subProcess id=\"{id}\">{inside}</subProcess>").unwrap();
                (id.clone(), id)
            }
            Block::Bounded(minutes, inner) => {
                let (id, _) = self.block(&Block::Sub(inner.clone()), out);
                let (boundary, join) = (self.id("boundary"), self.id("join"));
                write!(
                    out,
                    "<boundaryEvent id=\"{boundary}\" attachedToRef=\"{id}\">{}</boundaryEvent>",
                    timer(*minutes)
                )
                .unwrap();
                write!(out, "<exclusiveGateway id=\"{join}\"/>").unwrap();
                Self::flow(out, &id, &join, None);
                Self::flow(out, &boundary, &join, None);
                (id, join)
            }
        }
    }

    fn single(&mut self, kind: &str, write: impl Fn(&str) -> String, out: &mut String) -> (String, String) {
        let id = self.id(kind);
        out.push_str(&write(&id));
        (id.clone(), id)
    }

    fn branches(
        &mut self,
        kind: &str,
        blocks: &[(Option<bool>, &Block)],
        out: &mut String,
    ) -> (String, String) {
        let (split, join) = (self.id("split"), self.id("join"));
        write!(out, "<{kind}Gateway id=\"{split}\"/><{kind}Gateway id=\"{join}\"/>").unwrap();
        for (condition, block) in blocks {
            let (first, last) = self.block(block, out);
            Self::flow(out, &split, &first, *condition);
            Self::flow(out, &last, &join, None);
        }
        (split, join)
    }
}

const SERVICE: &str = "<extensionElements><zeebe:taskDefinition type=\"work\"/></extensionElements>";

fn timer(minutes: u8) -> String {
    format!("<timerEventDefinition><timeDuration>PT{minutes}M</timeDuration></timerEventDefinition>")
}

fn text(block: &Block) -> String {
    let (mut writer, mut inside) =
        (Writer::default(), String::from("<startEvent id=\"s\"/><endEvent id=\"e\"/>"));
    let (first, last) = writer.block(block, &mut inside);
    Writer::flow(&mut inside, "s", &first, None);
    Writer::flow(&mut inside, &last, "e", None);
    // Whoever hears the signal is another instance, so that signals cross the outbox.
    let hears = "<process id=\"hears\"><startEvent id=\"hs\"><signalEventDefinition signalRef=\"sig\"/></startEvent></process>";
    let declared = writer.declared;
    crate::common::file(&format!(
        "<signal id=\"sig\" name=\"sig\"/>{declared}<process id=\"p\">{inside}</process>{hears}"
    ))
}

async fn open(store: &Store, clock: &Clock) -> Engine {
    let work = |order: Order| async move {
        let job = order.job.clone();
        Ok(Done::default().with(move |txn| txn.append("/done", &job)))
    };
    Engine::builder(store).clock(clock.clone()).worker("work", work).open().await.unwrap()
}

/// Everything one can do with an instance now, named so that two runs name it alike.
async fn possible(engine: &Engine, id: &str) -> Vec<(String, String)> {
    let instance = engine.instance(id).await.unwrap().unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for job in engine.jobs(id).await.unwrap() {
        if job.is_task() {
            found.push((format!("complete {}", job.element), job.id));
        }
    }
    for subscription in instance.state.subscriptions.values() {
        match &subscription.on {
            On::Message { name, .. } => found.push((format!("publish {name}"), (**name).to_owned())),
            On::Timer(schedule) => found.push((format!("until {}", schedule.due), schedule.due.to_string())),
            _ => {}
        }
    }
    found.sort();
    found
}

async fn act(engine: &Engine, clock: &Clock, what: &str, id: &str) {
    if what.starts_with("complete") {
        engine.complete(id, &Context::new()).await.unwrap();
    } else if what.starts_with("publish") {
        engine.publish(id, None, &Context::new()).await.unwrap();
    } else {
        clock.set(id.parse().unwrap());
    }
}

/// Lets the engine work for a while and then die: what it waits for at that moment is never answered.
async fn work_and_die(engine: &Engine, polls: u32) -> bool {
    let mut idle = pin!(engine.idle());
    let mut left = polls;
    std::future::poll_fn(|cx| match idle.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending => {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(false) } else { Poll::Pending }
        }
    })
    .await
}

/// What must be the same however the run went.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: bpe::Status,
    waiting: Vec<String>,
    happened: BTreeMap<String, usize>,
    /// How often each service's own write was committed.
    done: usize,
    heard: usize,
    variables: String,
}

async fn outcome(store: &Store, engine: &Engine, id: &str) -> Outcome {
    let instance = engine.instance(id).await.unwrap().unwrap();
    let mut happened = BTreeMap::new();
    for (_, step) in engine.history(id, kvs::From::Start, usize::MAX).await.unwrap() {
        for entry in step.entries {
            *happened.entry(format!("{:?} {}", entry.what, entry.element)).or_default() += 1;
        }
    }
    let done: Vec<(u64, String)> = store.txn().feed("/done", kvs::From::Start, usize::MAX).await.unwrap();
    let all: Vec<Instance> = engine.instances(None, usize::MAX).await.unwrap();
    let variables = serde_json::to_string(&instance.state.variables()).unwrap();
    Outcome {
        status: instance.state.status,
        waiting: possible(engine, id).await.into_iter().map(|(what, _)| what).collect(),
        happened,
        done: done.len(),
        heard: all.iter().filter(|one| &*one.process == "hears").count(),
        variables,
    }
}

async fn run(text: &str, choices: &[u16], deaths: Option<&[u8]>) -> Outcome {
    let store = Store::open("memory:").await.unwrap();
    let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    let mut engine = open(&store, &clock).await;
    engine.deploy(text.as_bytes()).await.unwrap();
    let id = engine.start("p", &Context::new()).await.unwrap();
    let mut lives = deaths.unwrap_or_default().iter().cycle();
    for choice in std::iter::once(None).chain(choices.iter().map(Some)) {
        if let Some(choice) = choice {
            let all = possible(&engine, &id).await;
            if all.is_empty() {
                break;
            }
            let (what, target) = &all[usize::from(*choice) % all.len()];
            act(&engine, &clock, what, target).await;
        }
        match deaths {
            None => engine.idle().await,
            Some(_) => {
                let mut tries = 0;
                loop {
                    // Later lives are longer, so that even a life shorter than one job ends.
                    let polls = u32::from(*lives.next().unwrap_or(&1)) % 7 + 1 + tries;
                    if work_and_die(&engine, polls).await {
                        break;
                    }
                    tries += 1;
                    // A dead process has nothing on its way to the disk: what it sent there arrives first.
                    let mut txn = store.txn();
                    txn.append("/dead", &tries).unwrap();
                    txn.commit().await.unwrap();
                    engine = open(&store, &clock).await;
                }
            }
        }
    }
    outcome(&store, &engine, &id).await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_dying_engine_ends_where_an_undisturbed_one_does(
        block in block(),
        choices in prop::collection::vec(any::<u16>(), 0..30),
        deaths in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let text = text(&block);
        let (undisturbed, dying) = runtime.block_on(async {
            (run(&text, &choices, None).await, run(&text, &choices, Some(&deaths)).await)
        });
        let services = undisturbed.happened.iter().filter(|(what, _)| what.starts_with(&format!("{:?} ", Happened::Completed)));
        let services = services.filter(|(what, _)| what.contains(" service") || what.contains(" multi"));
        prop_assert_eq!(undisturbed.done, services.map(|(_, count)| count).sum::<usize>());
        prop_assert_eq!(undisturbed, dying, "{}", text);
    }
}
