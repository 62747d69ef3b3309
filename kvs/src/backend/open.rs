//! From a URL to the backend it names.

use std::{path::Path, sync::Arc};

use super::{Backend, memory::Memory, redb::Redb};
use crate::{
    error::{Error, Result},
    options::Options,
};

pub(crate) async fn open(url: &str, options: &Options) -> Result<Arc<dyn Backend>> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(Memory::default())),
        Some(("redb", path)) if !path.is_empty() => Ok(Arc::new(Redb::open(Path::new(path), options)?)),
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => server(url, options).await,
        _ => Err(Error::url(url)),
    }
}

#[cfg(feature = "postgres")]
async fn server(url: &str, options: &Options) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(super::postgres::Postgres::open(url, options).await?))
}

#[cfg(not(feature = "postgres"))]
async fn server(_: &str, _: &Options) -> Result<Arc<dyn Backend>> {
    Err(Error::Url { url: "postgres://...".to_owned() })
}
