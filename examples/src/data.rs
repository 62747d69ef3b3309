//! The data folder of the demo: the store and the keys, for their owner only.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A folder that nobody but its owner can look into.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// The mode that the folder had, when others could look into it.
    wide: Option<u32>,
}

impl DataFolder {
    /// Makes the folder, or opens the one that there is. Where others could look into it, that is ended if it
    /// holds what the demo makes or nothing; a folder that holds something else, and may be shared with a
    /// reason, is refused.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut folder = DataFolder { path: path.to_owned(), wide: None };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
        let empty = fs::read_dir(path)?.next().is_none();
        if mode & 0o077 == 0 {
            return Ok(folder);
        }
        // A sticky folder, as /tmp is, is shared on purpose.
        if mode & 0o1000 != 0 || !(empty || folder.has_store()? || folder.keys().try_exists()?) {
            let why = format!(
                "others than its owner can look into it, its mode is {mode:o}; run `chmod 700 {}`, or name another folder",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
        folder.wide = Some(mode);
        Ok(folder)
    }

    /// Tells the log when others could look into the folder until now.
    pub fn tell(&self) {
        if let Some(mode) = self.wide {
            let (folder, mode) = (self.path.display(), format!("{mode:o}"));
            tracing::warn!(%folder, mode, "others could look into the data folder; it is for its owner only now");
        }
    }

    /// The file of the keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// The file of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("demo.redb")
    }

    /// Whether there is a store already, whose keys are not to be made anew without a word.
    pub fn has_store(&self) -> io::Result<bool> {
        self.store().try_exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_is_made_and_kept_for_its_owner() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("deep").join("data");
        DataFolder::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        for wide in [0o755, 0o750, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(wide)).unwrap();
            assert!(!DataFolder::open(&path).unwrap().has_store().unwrap());
            assert_eq!(mode(&path), 0o700, "empty");
        }
        fs::write(path.join("demo.redb"), "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(DataFolder::open(&path).unwrap().has_store().unwrap());
        assert_eq!(mode(&path), 0o700, "ours");
    }

    #[test]
    fn a_folder_that_is_shared_is_left_alone_and_refused() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("shared");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o1777)).unwrap();
        assert!(DataFolder::open(&path).unwrap_err().to_string().contains("chmod 700"));
        fs::write(path.join("letter.txt"), "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(DataFolder::open(&path).unwrap_err().to_string().contains("755"));
        assert_eq!(mode(&path), 0o755);
    }
}
