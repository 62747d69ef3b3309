//! The control socket of an open store: a Unix socket beside its file, over which processes of the same user
//! ask the one that has the store. A question is one line of JSON, and so is everything that is answered.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream as Probe,
    },
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    sync::{Semaphore, mpsc, oneshot},
};

use super::{Care, LINES, Said, work::work};
use crate::{
    backend::note::Note,
    error::{Error, Result},
    place::beside,
    store::{Inner, Store},
};

/// The version of the protocol; another one is not answered.
pub(crate) const VERSION: u32 = 1;

/// What the line of the note begins with that says where the holder listens.
pub(crate) const LISTENS: &str = "control ";

/// How many questions are answered at once; further ones wait.
const AT_ONCE: usize = 4;

/// The longest question, in bytes: two names of the greatest length, escaped.
const QUESTION: u64 = 64 << 10;

/// The time a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// The minutes that an answer may wait to be read: people read it page by page.
pub(super) const READING: u64 = 10;

/// How often an answer that has nothing new to say says so: whoever asked knows then that it comes.
const STILL: Duration = Duration::from_secs(1);

/// The longest path of a socket, in bytes (`sun_path` of `unix(7)`, less its end).
const PATH: usize = 107;

/// How often it is looked whether the socket is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Wait after a failed accept, when the process is out of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) kvs: u32,
    pub(crate) care: Care,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Said(Said),
    /// Nothing follows; why it could not be done.
    Failed(String),
    /// Nothing follows; the exit status.
    Done(u8),
}

/// The listening side. Dropped, it ends what it is doing, and takes the socket away.
#[derive(Debug)]
pub(crate) struct Control {
    place: PathBuf,
    /// A folder that was made for the socket alone.
    folder: Option<PathBuf>,
    /// Dropping it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where the socket of a store usually is.
pub(crate) fn socket(store: &Path) -> PathBuf {
    beside(store, ".ctl")
}

impl Control {
    /// Listens for the store at this path, on a thread of its own, for as long as it is held.
    pub(crate) fn start(store: &Path, inner: Weak<Inner>) -> Result<Self> {
        let fail = |error| Error::io(&store.display().to_string(), error);
        let (place, folder) = choose(store).map_err(fail)?;
        let (stop, stopped) = oneshot::channel();
        let mut control = Self { place, folder, stop: Some(stop), thread: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
        let (listener, owner) = {
            let _context = runtime.enter();
            let listener = bind(&control.place).map_err(fail)?;
            let owner = fs::metadata(&control.place).map_err(fail)?.uid();
            (listener, owner)
        };
        let place = control.place.clone();
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = listen(listener, &place, owner, &inner) => {}
                }
            });
        };
        control.thread =
            Some(thread::Builder::new().name("kvs-control".to_owned()).spawn(run).map_err(fail)?);
        let mut note = OpenOptions::new().append(true).open(Note::path(store)).map_err(fail)?;
        writeln!(note, "{LISTENS}{}", control.place.display()).map_err(fail)?;
        Ok(control)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported; there is nothing left to say.
            let _ = thread.join();
        }
        // Only a courtesy: a socket that nobody listens on is taken away by the next holder.
        let _ = clear(&self.place);
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Where to listen: beside the store, or, where that is too long for a socket or still in use, in a folder
/// of its own that only its owner enters.
fn choose(store: &Path) -> io::Result<(PathBuf, Option<PathBuf>)> {
    let usual = std::path::absolute(socket(store))?;
    // Whoever still listens there has a file that had this name before.
    if usual.as_os_str().len() <= PATH && Probe::connect(&usual).is_err() && clear(&usual)? {
        return Ok((usual, None));
    }
    let own = std::process::id();
    for number in 0..1_000 {
        let folder = std::env::temp_dir().join(format!("kvs-{own}-{number}"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok((folder.join("ctl"), Some(folder))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Takes away a socket that nobody listens on, and says whether its name is free. What is no socket is
/// another's file, and stays.
fn clear(place: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(place) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(place).map(|()| true),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn bind(place: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(place)?;
    fs::set_permissions(place, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Ends when the socket has lost its name.
async fn lost(place: &Path) {
    let is_there = || {
        let found = fs::symlink_metadata(place);
        !found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    loop {
        tokio::time::sleep(LOOK).await;
        if !is_there() {
            return;
        }
    }
}

/// Answers for ever. All of it is one future, so that the end of it ends everything.
async fn listen(mut listener: UnixListener, place: &Path, owner: u32, inner: &Weak<Inner>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let (sender, mut accepted) = mpsc::channel::<UnixStream>(1);
    let accept = async {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = lost(place) => {
                    // Where that fails, as in a folder that is gone, it is tried again.
                    if let Ok(bound) = bind(place) {
                        listener = bound;
                        tracing::warn!(path = %place.display(), "the control socket was deleted, and is made again");
                    }
                    continue;
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    // Only who could open the file itself is heard; the superuser could.
                    let who = stream.peer_cred().map(|peer| peer.uid());
                    if who.is_ok_and(|uid| uid == owner || uid == 0) && sender.send(stream).await.is_err() {
                        return;
                    }
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    };
    let serve = async {
        let mut serving = Vec::new();
        loop {
            let next = tokio::select! {
                stream = accepted.recv(), if places.available_permits() > 0 => stream,
                () = any(&mut serving) => continue,
            };
            let Some(stream) = next else { return };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            serving.push(Box::pin(async move {
                serve(stream, inner).await;
                drop(place);
            }));
        }
    };
    tokio::join!(accept, serve);
}

/// Drives all of them, and ends when one has ended, which is taken out; never when there is none.
async fn any(serving: &mut Vec<std::pin::Pin<Box<impl Future<Output = ()>>>>) {
    std::future::poll_fn(|context| {
        for at in 0..serving.len() {
            if serving[at].as_mut().poll(context).is_ready() {
                drop(serving.swap_remove(at));
                return std::task::Poll::Ready(());
            }
        }
        std::task::Poll::Pending
    })
    .await;
}

/// Answers one question.
async fn serve(stream: UnixStream, inner: &Weak<Inner>) {
    let (from, mut to) = stream.into_split();
    let mut text = String::new();
    let mut line = BufReader::new(from.take(QUESTION));
    let answer = match tokio::time::timeout(PATIENCE, line.read_line(&mut text)).await {
        Ok(Ok(_)) => answer(&text, &mut to, inner).await,
        Ok(Err(_)) | Err(_) => return,
    };
    let last = match answer {
        Ok(status) => Answer::Done(status),
        // It ends in the middle of a line, behind which there is nothing to say.
        Err(Error::BrokenOff { .. }) => return,
        Err(error) => Answer::Failed(error.to_string()),
    };
    // Whoever asked may have gone.
    let _ = write(&mut to, &last).await;
}

async fn answer(text: &str, to: &mut OwnedWriteHalf, inner: &Weak<Inner>) -> Result<u8> {
    let question = serde_json::from_str::<Question>(text).ok().filter(|question| question.kvs == VERSION);
    let Some(Question { care, .. }) = question else {
        let text = "this `kvs` is of another version than the process that has the store open".to_owned();
        return Err(Error::Remote { text });
    };
    let inner = inner.upgrade().ok_or(Error::Closed)?;
    let turn = inner.care.clone();
    let _turn = match care.is_long().then(|| turn.try_lock()) {
        None => None,
        Some(Ok(turn)) => Some(turn),
        Some(Err(_)) => return Err(Error::Underway { what: "another backup, check or dump".to_owned() }),
    };
    let store = Store { control: None, inner };
    let (teller, told) = mpsc::channel(LINES);
    pass_on(work(&store, &care, teller), told, to).await
}

/// Passes on what the work says, and says now and then that it goes on, whatever part of it takes long.
async fn pass_on(
    work: impl Future<Output = Result<u8>>,
    mut told: mpsc::Receiver<Said>,
    to: &mut OwnedWriteHalf,
) -> Result<u8> {
    let mut work = pin!(work);
    let mut still = tokio::time::interval(STILL);
    still.reset();
    let mut far = Said::Progress(0, "rows".to_owned());
    loop {
        tokio::select! {
            biased;
            Some(said) = told.recv() => {
                if let Said::Progress(..) = said {
                    far = said.clone();
                }
                write(to, &Answer::Said(said)).await?;
            }
            outcome = &mut work => {
                while let Ok(said) = told.try_recv() {
                    write(to, &Answer::Said(said)).await?;
                }
                return outcome;
            }
            _ = still.tick() => write(to, &Answer::Said(far.clone())).await?,
        }
    }
}

/// Writes a line. Whoever does not read is waited for for minutes, and who has gone ends the work.
async fn write(to: &mut OwnedWriteHalf, answer: &Answer) -> Result<()> {
    let place = "the control socket";
    let broken = |why| Error::BrokenOff { place: place.to_owned(), why };
    let mut text = serde_json::to_string(answer).map_err(|error| Error::io(place, error.into()))?;
    text.push('\n');
    match tokio::time::timeout(Duration::from_mins(READING), to.write_all(text.as_bytes())).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(broken("the reader has gone away".to_owned())),
        Err(_) => Err(broken(format!("the reader did not read for {READING} minutes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_waited_for_for_minutes_and_who_has_gone_is_not() {
        let line = || Answer::Said(Said::Line("x".repeat(64 << 10)));
        let (mut ours, theirs) =
            UnixStream::pair().map(|(ours, theirs)| (ours.into_split().1, theirs)).unwrap();
        let started = tokio::time::Instant::now();
        let error = loop {
            if let Err(error) = write(&mut ours, &line()).await {
                break error;
            }
        };
        assert!(started.elapsed() >= Duration::from_mins(READING), "{:?}", started.elapsed());
        assert!(error.to_string().contains("did not read for 10 minutes"), "{error}");
        drop(theirs);
        let error = write(&mut ours, &line()).await.unwrap_err();
        assert!(error.to_string().contains("the reader has gone away"), "{error}");
    }

    #[tokio::test]
    async fn work_that_says_nothing_for_long_is_said_to_go_on() {
        let (asked, holder) = UnixStream::pair().expect("two ends");
        let (_, mut to) = holder.into_split();
        let (teller, told) = mpsc::channel(LINES);
        let (end, ended) = oneshot::channel::<()>();
        let work = async {
            teller.send(Said::Progress(7, "rows".to_owned())).await.expect("it is heard");
            ended.await.expect("the end");
            Ok(0)
        };
        let mut lines = BufReader::new(asked).lines();
        let hear = async {
            for _ in 0..3 {
                let line = lines.next_line().await.expect("it is read").expect("a line");
                assert_eq!(line, r#"{"said":{"progress":[7,"rows"]}}"#);
            }
            end.send(()).expect("it waits");
        };
        let (done, ()) = tokio::join!(pass_on(work, told, &mut to), hear);
        assert_eq!(done.expect("it is done"), 0);
    }
}
