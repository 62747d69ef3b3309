//! The engine over a store: deploying, user tasks, services, timers, messages, and starting again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{file, process, variables};
use bpe::feel::{Context, Value};
use bpe::{Clock, Done, Engine, Error, Failure, Happened, Order, Stage, Status, Who};
use kvs::Store;

const ENDS: &str = "<startEvent id=\"s\"/><endEvent id=\"e\"/>";

fn clock() -> Clock {
    Clock::manual("2026-01-01T00:00:00Z".parse().unwrap())
}

async fn engine(store: &Store, files: &[String]) -> Engine {
    let engine = Engine::builder(store).clock(clock()).open().await.unwrap();
    for file in files {
        engine.deploy(file.as_bytes()).await.unwrap();
    }
    engine
}

fn order_process() -> String {
    let task = |id: &str, inside: &str| format!("<userTask id=\"{id}\" name=\"{id}\">{inside}</userTask>");
    let groups = "<extensionElements><zeebe:assignmentDefinition candidateGroups=\"manager\"/>\
                  <zeebe:formDefinition formKey=\"approval\"/></extensionElements>";
    let lanes = "<laneSet id=\"ls\"><lane id=\"l1\" name=\"storekeeper\"><flowNodeRef>pack</flowNodeRef></lane></laneSet>";
    let nodes = format!("{lanes}{ENDS}{}{}", task("approve", groups), task("pack", ""));
    file(&process("order", &nodes, &["s->approve", "approve->pack", "pack->e"]))
}

#[tokio::test]
async fn a_task_is_seen_and_done_by_its_role_once() {
    let store = Store::open("memory:").await.unwrap();
    let engine = engine(&store, &[order_process()]).await;
    let id = engine.start("order", &variables("{\"total\": 10}")).await.unwrap();
    let manager = Who { user: "mia", roles: &["manager"] };
    let keeper = Who { user: "sam", roles: &["storekeeper"] };

    assert!(engine.tasks(&keeper, 10).await.unwrap().is_empty());
    let tasks = engine.tasks(&manager, 10).await.unwrap();
    assert_eq!(tasks.len(), 1);
    let task = &tasks[0];
    assert_eq!((&*task.element, task.form.as_deref(), &*task.instance), ("approve", Some("approval"), &*id));

    let refused = engine.complete_task(&task.id, &keeper, &Context::new()).await;
    assert!(matches!(refused, Err(Error::NotAllowed { .. })));
    engine.complete_task(&task.id, &manager, &variables("{\"approved\": true}")).await.unwrap();
    let again = engine.complete_task(&task.id, &manager, &Context::new()).await;
    assert!(matches!(again, Err(Error::NoJob { .. })));

    let tasks = engine.tasks(&keeper, 10).await.unwrap();
    assert_eq!(&*tasks[0].element, "pack");
    engine.complete_task(&tasks[0].id, &keeper, &Context::new()).await.unwrap();

    let instance = engine.instance(&id).await.unwrap().unwrap();
    assert_eq!(instance.state.status, Status::Completed);
    assert_eq!(instance.state.variables().unwrap()["approved"], Value::from(true));
    let history = engine.history(&id, kvs::From::Start, 100).await.unwrap();
    let steps: Vec<(&str, Option<&str>)> =
        history.iter().map(|(_, step)| (&*step.what, step.by.as_deref())).collect();
    assert_eq!(steps, [("start", None), ("complete", Some("mia")), ("complete", Some("sam"))]);
    let last = history.last().unwrap().1.entries.last().unwrap();
    assert_eq!((last.what, &*last.element), (Happened::Ended, "order"));
    assert_eq!(engine.instances_of("order", Stage::Completed, None, 10).await.unwrap(), [id.as_str()]);
    assert!(engine.instances_of("order", Stage::Completed, Some(&id), 10).await.unwrap().is_empty());
    assert!(engine.instances_of("order", Stage::Running, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_assigned_task_is_for_one_person() {
    let store = Store::open("memory:").await.unwrap();
    let engine = engine(&store, &[order_process()]).await;
    engine.start("order", &Context::new()).await.unwrap();
    let (mia, max) = (Who { user: "mia", roles: &["manager"] }, Who { user: "max", roles: &["manager"] });
    let task = engine.tasks(&mia, 10).await.unwrap().remove(0);
    engine.transact(async |actions| actions.assign(&task.id, Some("mia")).await).await.unwrap();
    assert!(engine.tasks(&max, 10).await.unwrap().is_empty());
    assert_eq!(engine.tasks(&mia, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_form_writes_commits_with_the_step_or_not_at_all() {
    let store = Store::open("memory:").await.unwrap();
    let engine = engine(&store, &[order_process()]).await;
    engine.start("order", &Context::new()).await.unwrap();
    let mia = Who { user: "mia", roles: &["manager"] };
    let task = engine.tasks(&mia, 10).await.unwrap().remove(0);

    let mut txn = store.txn();
    txn.append("/audit", &"dropped").unwrap();
    engine.actions(&mut txn).complete_task(&task.id, &mia, Context::new()).await.unwrap();
    drop(txn);
    assert!(engine.job(&task.id).await.unwrap().is_some());

    let mut txn = store.txn();
    txn.append("/audit", &"kept").unwrap();
    engine.actions(&mut txn).complete_task(&task.id, &mia, Context::new()).await.unwrap();
    txn.commit().await.unwrap();
    assert!(engine.job(&task.id).await.unwrap().is_none());
    let audit: Vec<(u64, String)> = store.txn().feed("/audit", kvs::From::Start, 10).await.unwrap();
    assert_eq!(audit, [(1, "kept".to_owned())]);
}

fn service() -> String {
    let task = "<serviceTask id=\"pay\"><extensionElements><zeebe:taskDefinition type=\"payment\" retries=\"2\"/>\
                </extensionElements></serviceTask><task id=\"note\"/>";
    file(&process("pay", &format!("{ENDS}{task}"), &["s->pay", "pay->note", "note->e"]))
}

#[tokio::test]
async fn a_service_is_tried_again_with_the_same_key_and_writes_with_its_completion() {
    let store = Store::open("memory:").await.unwrap();
    let (tries, clock) = (Arc::new(AtomicU32::new(0)), clock());
    let counter = tries.clone();
    let pay = move |order: Order| {
        let attempt = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            if attempt == 0 {
                return Err(Failure::failed("no network"));
            }
            let job = order.job.clone();
            Ok(Done::new(variables("{\"paid\": true}")).with(move |txn| txn.append("/paid", &job)))
        }
    };
    let engine = Engine::builder(&store).clock(clock.clone()).worker("payment", pay).open().await.unwrap();
    engine.deploy(service().as_bytes()).await.unwrap();
    let id = engine.start("pay", &Context::new()).await.unwrap();
    engine.idle().await;
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    let job = engine.jobs(&id).await.unwrap().remove(0);
    assert_eq!((job.retries, job.again.is_some()), (1, true));

    clock.set(job.again.unwrap());
    engine.idle().await;
    let instance = engine.instance(&id).await.unwrap().unwrap();
    assert_eq!(instance.state.status, Status::Completed);
    let paid: Vec<(u64, String)> = store.txn().feed("/paid", kvs::From::Start, 10).await.unwrap();
    assert_eq!(paid, [(1, job.id)]);
    assert!(engine.jobs(&id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_keeps_failing_becomes_an_incident_that_can_be_retried() {
    let store = Store::open("memory:").await.unwrap();
    let clock = clock();
    let broken = Arc::new(AtomicU32::new(1));
    let flag = broken.clone();
    let pay = move |_: Order| {
        let broken = flag.load(Ordering::SeqCst) == 1;
        async move { if broken { panic!("a bug in the worker") } else { Ok(Done::default()) } }
    };
    let engine = Engine::builder(&store).clock(clock.clone()).worker("payment", pay).open().await.unwrap();
    engine.deploy(service().as_bytes()).await.unwrap();
    let id = engine.start("pay", &Context::new()).await.unwrap();
    engine.idle().await;
    clock.set("2026-01-01T01:00:00Z".parse().unwrap());
    engine.idle().await;
    let stopped = engine.incidents(10).await.unwrap();
    assert_eq!(stopped.len(), 1);
    let (token, _, incident) = stopped[0].state.incidents().next().unwrap();
    assert_eq!(incident.what, "the worker panicked");

    broken.store(0, Ordering::SeqCst);
    engine.transact(async |actions| actions.retry(&id, token).await).await.unwrap();
    engine.idle().await;
    assert!(engine.incidents(10).await.unwrap().is_empty());
    assert!(!engine.instance(&id).await.unwrap().unwrap().is_active());
}

#[tokio::test]
async fn timers_fire_when_the_clock_says_so_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redb:{}", folder.path().join("bpe.redb").display());
    let nodes = format!(
        "{ENDS}<userTask id=\"a\"/><userTask id=\"late\"/><boundaryEvent id=\"b\" attachedToRef=\"a\">\
         <timerEventDefinition><timeDuration>P2D</timeDuration></timerEventDefinition></boundaryEvent>"
    );
    let text = file(&process("p", &nodes, &["s->a", "a->e", "b->late", "late->e"]));
    let id = {
        let store = Store::open(&url).await.unwrap();
        let engine = engine(&store, &[text]).await;
        engine.start("p", &Context::new()).await.unwrap()
    };
    let store = Store::open(&url).await.unwrap();
    let clock = clock();
    let engine = Engine::builder(&store).clock(clock.clone()).open().await.unwrap();
    engine.idle().await;
    assert_eq!(&*engine.jobs(&id).await.unwrap()[0].element, "a");
    clock.set("2026-01-03T00:00:00Z".parse().unwrap());
    engine.idle().await;
    assert_eq!(&*engine.jobs(&id).await.unwrap()[0].element, "late");
}

#[tokio::test]
async fn a_running_engine_wakes_by_itself_and_stops_when_told() {
    let store = Store::open("memory:").await.unwrap();
    let pay = |_: Order| async { Ok(Done::default()) };
    let engine = Engine::builder(&store).worker("payment", pay).open().await.unwrap();
    engine.deploy(service().as_bytes()).await.unwrap();
    let nodes = format!(
        "{ENDS}<intermediateCatchEvent id=\"c\"><timerEventDefinition><timeDuration>PT0.05S</timeDuration>\
         </timerEventDefinition></intermediateCatchEvent>"
    );
    engine.deploy(file(&process("timed", &nodes, &["s->c", "c->e"])).as_bytes()).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = engine.run(async { drop(stopped.await) });
    let story = async {
        let ids = [
            engine.start("pay", &Context::new()).await.unwrap(),
            engine.start("timed", &Context::new()).await.unwrap(),
        ];
        for id in &ids {
            while engine.instance(id).await.unwrap().unwrap().is_active() {
                tokio::task::yield_now().await;
            }
        }
        stop.send(()).unwrap();
    };
    tokio::join!(run, story);
}

#[tokio::test]
async fn messages_and_signals_find_who_waits_and_start_who_is_started() {
    let store = Store::open("memory:").await.unwrap();
    let declared = "<message id=\"m\" name=\"paid\"><extensionElements><zeebe:subscription correlationKey=\"= id\"/>\
                    </extensionElements></message><message id=\"n\" name=\"new\"/><signal id=\"g\" name=\"go\"/>";
    let waits =
        process("waits", &format!("{ENDS}<receiveTask id=\"r\" messageRef=\"m\"/>"), &["s->r", "r->e"]);
    let begins = process(
        "begins",
        "<startEvent id=\"s\"><messageEventDefinition messageRef=\"n\"/></startEvent><endEvent id=\"e\">\
         <signalEventDefinition signalRef=\"g\"/></endEvent>",
        &["s->e"],
    );
    let hears = process(
        "hears",
        &format!(
            "{ENDS}<intermediateCatchEvent id=\"c\"><signalEventDefinition signalRef=\"g\"/></intermediateCatchEvent>"
        ),
        &["s->c", "c->e"],
    );
    let engine = engine(&store, &[file(&format!("{declared}{waits}{begins}{hears}"))]).await;
    let one = engine.start("waits", &variables("{\"id\": \"o1\"}")).await.unwrap();
    let two = engine.start("waits", &variables("{\"id\": \"o2\"}")).await.unwrap();
    let mut hearing = Vec::new();
    for _ in 0..100 {
        hearing.push(engine.start("hears", &Context::new()).await.unwrap());
    }
    let reached = engine.publish("paid", Some(&"o2".into()), &variables("{\"sum\": 5}")).await.unwrap();
    assert_eq!((reached.instances, reached.started.len()), (vec![two.clone()], 0));
    assert!(engine.instance(&one).await.unwrap().unwrap().is_active());
    assert!(!engine.instance(&two).await.unwrap().unwrap().is_active());
    assert_eq!(
        engine.publish("paid", Some(&"o2".into()), &Context::new()).await.unwrap(),
        bpe::Correlated::default()
    );

    let reached = engine.publish("new", None, &Context::new()).await.unwrap();
    assert_eq!(reached.started.len(), 1);
    engine.idle().await;
    for id in hearing {
        assert!(!engine.instance(&id).await.unwrap().unwrap().is_active(), "{id} did not hear");
    }
}

#[tokio::test]
async fn a_new_version_is_for_new_instances() {
    let store = Store::open("memory:").await.unwrap();
    let text = |task: &str| {
        file(&process(
            "p",
            &format!("{ENDS}<userTask id=\"{task}\"/>"),
            &[&format!("s->{task}"), &format!("{task}->e")],
        ))
    };
    let engine = engine(&store, &[text("a")]).await;
    let old = engine.start("p", &Context::new()).await.unwrap();
    assert_eq!(engine.deploy(text("a").as_bytes()).await.unwrap()[0].version, 1);
    assert_eq!(engine.deploy(text("b").as_bytes()).await.unwrap()[0].version, 2);
    let new = engine.start("p", &Context::new()).await.unwrap();
    assert_eq!(&*engine.jobs(&old).await.unwrap()[0].element, "a");
    assert_eq!(&*engine.jobs(&new).await.unwrap()[0].element, "b");
    let again = Engine::builder(&store).clock(clock().counting_from(100)).open().await.unwrap();
    again.complete(&again.jobs(&old).await.unwrap()[0].id, &Context::new()).await.unwrap();
    assert!(!again.instance(&old).await.unwrap().unwrap().is_active());
    assert!(again.document("p", 1).await.unwrap().to_string().contains("\"a\""));
    assert!(matches!(again.document("p", 9).await, Err(Error::NoProcess { .. })));
}

#[tokio::test]
async fn a_timer_starts_instances_of_the_newest_version() {
    let store = Store::open("memory:").await.unwrap();
    let clock = clock();
    let text = |id: &str| {
        let start = "<startEvent id=\"s\"><timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition></startEvent>";
        file(&process("p", &format!("{start}<userTask id=\"{id}\"/>"), &[&format!("s->{id}")]))
    };
    let engine = Engine::builder(&store).clock(clock.clone()).open().await.unwrap();
    engine.deploy(text("a").as_bytes()).await.unwrap();
    engine.deploy(text("b").as_bytes()).await.unwrap();
    clock.set("2026-01-01T05:00:00Z".parse().unwrap());
    engine.idle().await;
    let started = engine.instances(None, 100).await.unwrap();
    assert_eq!(started.len(), 3);
    assert!(started.iter().all(|instance| instance.version == 2));
}

#[tokio::test]
async fn bad_files_and_wrong_ids_change_nothing() {
    let store = Store::open("memory:").await.unwrap();
    let engine = engine(&store, &[]).await;
    let bad = engine.deploy(file(&process("p", ENDS, &["s->gone"])).as_bytes()).await;
    assert!(matches!(bad, Err(Error::Invalid(_))));
    assert!(engine.library().latest("p").is_none());
    assert!(matches!(engine.start("p", &Context::new()).await, Err(Error::NoProcess { .. })));
    assert!(matches!(engine.complete("nonsense", &Context::new()).await, Err(Error::NoJob { .. })));
    assert!(matches!(engine.complete("x.1", &Context::new()).await, Err(Error::NoInstance { .. })));
    assert_eq!(store.txn().count_of::<bpe::Instance>().await.unwrap(), 0);
}

#[tokio::test]
async fn a_worker_that_never_answers_fails_its_attempt() {
    let store = Store::open("memory:").await.unwrap();
    let hang = |_: Order| std::future::pending();
    let engine = Engine::builder(&store).clock(clock()).worker("payment", hang);
    let engine = engine.patience(std::time::Duration::from_millis(1)).open().await.unwrap();
    engine.deploy(service().as_bytes()).await.unwrap();
    let id = engine.start("pay", &Context::new()).await.unwrap();
    engine.idle().await;
    assert_eq!(engine.jobs(&id).await.unwrap()[0].retries, 1);
}

#[tokio::test]
async fn a_process_is_started_by_its_roles_through_its_form() {
    let store = Store::open("memory:").await.unwrap();
    let start = "<laneSet id=\"ls\"><lane id=\"l\" name=\"clerk\"><flowNodeRef>s</flowNodeRef></lane></laneSet>\
                 <startEvent id=\"s\"><extensionElements><zeebe:formDefinition formKey=\"order\"/></extensionElements>\
                 </startEvent>";
    let engine = engine(&store, &[file(&process("p", start, &[])), order_process()]).await;
    let names = |roles: &[&str]| {
        let found = engine.startable(&Who { user: "u", roles });
        found.iter().map(|process| (process.id.to_string(), process.form.clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&["clerk"]), [("order".to_owned(), None), ("p".to_owned(), Some("order".into()))]);
    assert_eq!(names(&[]), [("order".to_owned(), None)]);
}

/// Handlers of a server run on any thread.
#[test]
fn futures_can_be_sent() {
    fn send<T: Send>(_: T) {}
    #[allow(dead_code, reason = "it only has to compile")]
    fn all(engine: &'static Engine, variables: &'static Context) {
        let who = Who { user: "u", roles: &[] };
        send(engine.start("p", variables));
        send(engine.complete("j", variables));
        send(async move { engine.complete_task("j", &who, variables).await });
        send(engine.publish("m", None, variables));
        send(engine.run(async {}));
        send(async move { engine.tasks(&who, 1).await });
    }
}
