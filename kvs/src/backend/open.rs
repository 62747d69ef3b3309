//! From a URL to the backend it names.

use std::{path::Path, sync::Arc};

use super::{Backend, memory::Memory, redb::Redb};
use crate::{
    error::{Error, Result},
    format, key,
    options::Options,
};

pub(crate) async fn open(url: &str, options: &Options) -> Result<Arc<dyn Backend>> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(Memory::default())),
        Some(("redb", path)) if !path.is_empty() => file(path, options).await,
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => server(url, options).await,
        _ => Err(Error::url(url)),
    }
}

async fn file(path: &str, options: &Options) -> Result<Arc<dyn Backend>> {
    let made = !Path::new(path).exists();
    let open = if options.looks { Redb::look } else { Redb::open };
    let store: Arc<dyn Backend> = Arc::new(open(Path::new(path), options)?);
    let state = store.snapshot().await?;
    let version = format::version(path, state.get(key::FORMAT).await?.as_deref())?;
    if made {
        tracing::info!(store.path = path, store.version = version, "a new store was made");
    } else {
        tracing::info!(
            store.path = path,
            store.at = state.at(),
            store.version = version,
            "the store is open"
        );
    }
    Ok(store)
}

#[cfg(feature = "postgres")]
async fn server(url: &str, options: &Options) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(super::postgres::Postgres::open(url, options).await?))
}

#[cfg(not(feature = "postgres"))]
async fn server(_: &str, _: &Options) -> Result<Arc<dyn Backend>> {
    Err(Error::Url { url: "postgres://...".to_owned() })
}
