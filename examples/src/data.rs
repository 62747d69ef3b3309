//! The data folder of the demo: the store and the keys, for their owner only.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A folder that nobody but its owner can look into.
#[derive(Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// Looks at the folder, and changes nothing. One that others than its owner can look into is refused,
    /// unless it holds what the demo makes or nothing: it may be shared with a reason.
    pub fn look(path: &Path) -> io::Result<Self> {
        let folder = DataFolder(path.to_owned());
        if !path.try_exists()? {
            return Ok(folder);
        }
        let mode = folder.mode()?;
        let empty = fs::read_dir(path)?.next().is_none();
        // A sticky folder, as /tmp is, is shared on purpose.
        if mode & 0o077 != 0
            && (mode & 0o1000 != 0 || !(empty || folder.has_store()? || folder.keys().try_exists()?))
        {
            let why = format!(
                "others than its owner can look into it, its mode is {mode:o}; run `chmod 700 {}`, or name another folder",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(folder)
    }

    /// Makes the folder when there is none, and ends that others can look into it.
    pub fn make(&self) -> io::Result<()> {
        let path = &self.0;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mode = self.mode()?;
        if mode & 0o077 != 0 {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            tracing::info!(folder = %path.display(), mode = format!("{mode:o}"), "the data folder is for its owner only now");
        }
        Ok(())
    }

    fn mode(&self) -> io::Result<u32> {
        Ok(fs::metadata(&self.0)?.permissions().mode() & 0o7777)
    }

    /// The file of the keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The file of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.0.join("demo.redb")
    }

    /// Whether there is a store already, whose keys are not to be made anew without a word.
    pub fn has_store(&self) -> io::Result<bool> {
        self.store().try_exists()
    }

    /// Whether there is a store, or was one, as the mark beside it says.
    pub fn had_store(&self) -> io::Result<bool> {
        Ok(self.has_store()? || self.0.join("demo.redb.id").try_exists()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn made(path: &Path) -> DataFolder {
        let folder = DataFolder::look(path).unwrap();
        folder.make().unwrap();
        folder
    }

    #[test]
    fn a_look_makes_nothing() {
        let outer = tempfile::tempdir().unwrap();
        DataFolder::look(&outer.path().join("data")).unwrap();
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_is_made_and_kept_for_its_owner() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("deep").join("data");
        made(&path);
        assert_eq!(mode(&path), 0o700);
        for wide in [0o755, 0o750, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(wide)).unwrap();
            assert!(!made(&path).has_store().unwrap());
            assert_eq!(mode(&path), 0o700, "empty");
        }
        fs::write(path.join("demo.redb"), "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(made(&path).has_store().unwrap());
        assert_eq!(mode(&path), 0o700, "ours");
        fs::rename(path.join("demo.redb"), path.join("keys")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        made(&path);
        assert_eq!(mode(&path), 0o700, "ours as well");
    }

    #[test]
    fn a_folder_that_is_shared_is_left_alone_and_refused() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("shared");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o1777)).unwrap();
        assert!(DataFolder::look(&path).unwrap_err().to_string().contains("chmod 700"));
        fs::write(path.join("letter.txt"), "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(DataFolder::look(&path).unwrap_err().to_string().contains("755"));
        assert_eq!(mode(&path), 0o755);
    }
}
