use super::{Destination, Identity, write_whole, write_whole_with};
use crate::error::{ErrorKind, Result};
use std::fs::{self, Permissions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A temporary folder, and what both ways of writing do in it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

type Write = fn(&Path, &[u8]) -> Result<()>;

/// Bytes that are written at once, and a file that a library makes anew.
const WAYS: [Write; 2] = [write_whole, |path, bytes| {
    write_whole_with(path, |temporary| {
        fs::remove_file(temporary)?;
        let mut file = tempfile::NamedTempFile::new_in(temporary.parent().unwrap())?;
        file.write_all(bytes)?;
        file.persist(temporary).map(drop).map_err(|e| e.error)
    })
}];

/// A character device like the system's own, or none where only the superuser makes them.
fn device(path: &Path, minor: &str) -> bool {
    let made = Command::new("mknod").arg(path).args(["c", "1", minor]).output();
    let made = made.is_ok_and(|output| output.status.success()) && fs::File::open(path).is_ok();
    if !made {
        eprintln!("SKIPPED: character devices: mknod is not allowed here");
    }
    made
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn new_files_get_the_permissions_of_new_files() {
    for write in WAYS {
        let desk = Desk::new();
        let usual = fs::metadata(desk.file("usual", b"")).unwrap().mode();
        write(&desk.path("new"), b"one").unwrap();
        assert_eq!(fs::metadata(desk.path("new")).unwrap().mode(), usual);
        assert_eq!(desk.names(), ["new", "usual"]);
    }
}

#[test]
fn replaced_files_keep_their_permissions() {
    for write in WAYS {
        let desk = Desk::new();
        let path = desk.file("file", b"one");
        let before = fs::metadata(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let after = fs::metadata(&path).unwrap();
        assert_eq!(after.mode() & 0o7777, 0o640);
        assert_ne!(after.ino(), before.ino(), "a new file took the name");
        assert_eq!(desk.names(), ["file"]);
    }
}

#[test]
fn failed_writes_leave_the_older_file() {
    let desk = Desk::new();
    let path = desk.file("file", b"one");
    let failed = write_whole_with(&path, |temporary| {
        fs::write(temporary, b"half")?;
        Err(std::io::Error::other("no more"))
    });
    assert!(failed.unwrap_err().to_string().contains("no more"));
    assert_eq!((fs::read(&path).unwrap().as_slice(), desk.names()), (b"one".as_slice(), vec!["file".to_owned()]));
}

#[test]
fn links_stay_and_their_target_is_replaced() {
    for write in WAYS {
        let desk = Desk::new();
        fs::create_dir(desk.path("real")).unwrap();
        let target = desk.file("real/target", b"one");
        symlink("real/target", desk.path("link")).unwrap();
        symlink(desk.path("link"), desk.path("second")).unwrap();
        write(&desk.path("second"), b"two").unwrap();
        assert!(desk.path("second").is_symlink() && desk.path("link").is_symlink() && !target.is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"two");
        assert_eq!(desk.names(), ["link", "real", "second"]);
        assert_eq!(fs::read_dir(desk.path("real")).unwrap().count(), 1);
    }
}

#[test]
fn dangling_links_get_their_target() {
    for write in WAYS {
        let desk = Desk::new();
        fs::create_dir(desk.path("real")).unwrap();
        symlink("real/target", desk.path("link")).unwrap();
        write(&desk.path("link"), b"one").unwrap();
        assert_eq!(fs::read(desk.path("real/target")).unwrap(), b"one");
        assert!(desk.path("link").is_symlink());

        symlink("nowhere/target", desk.path("lost")).unwrap();
        let error = write(&desk.path("lost"), b"one").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("lost") && error.to_string().contains("nowhere"), "{error}");
    }
}

#[test]
fn links_in_a_circle_are_an_error() {
    let desk = Desk::new();
    symlink("b", desk.path("a")).unwrap();
    symlink("a", desk.path("b")).unwrap();
    let error = write_whole(&desk.path("a"), b"one").unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("links"), "{error}");
}

#[test]
fn every_hard_link_sees_the_new_content() {
    for write in WAYS {
        let desk = Desk::new();
        let path = desk.file("file", b"one, and longer");
        fs::hard_link(&path, desk.path("other")).unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(desk.path("other")).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 2);
        assert_eq!(desk.names(), ["file", "other"]);
    }
}

#[test]
fn character_devices_are_written_into() {
    for write in WAYS {
        let desk = Desk::new();
        let (null, full) = (desk.path("null"), desk.path("full"));
        if !device(&null, "3") || !device(&full, "7") {
            return;
        }
        symlink("null", desk.path("link")).unwrap();
        write(&null, b"one").unwrap();
        write(&desk.path("link"), b"two").unwrap();
        let error = write(&full, b"one").unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("full"), "{error}");
        for path in [&null, &full] {
            assert!(fs::metadata(path).unwrap().file_type().is_char_device());
        }
        assert_eq!(desk.names(), ["full", "link", "null"]);
    }
}

#[test]
fn pipes_are_written_into() {
    for write in WAYS {
        let desk = Desk::new();
        let path = desk.path("pipe");
        pipe(&path);
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        write(&path, b"one").unwrap();
        assert_eq!(reader.join().unwrap(), b"one");
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    }
}

#[test]
fn sockets_are_written_into() {
    for write in WAYS {
        let desk = Desk::new();
        let path = desk.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
            bytes
        });
        write(&path, b"one").unwrap();
        assert_eq!(reader.join().unwrap(), b"one");
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
        assert_eq!(write(&path, b"nobody listens").unwrap_err().kind(), ErrorKind::Io);
    }
}

#[test]
fn folders_and_nameless_outputs_are_bad_arguments() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    symlink("folder", desk.path("link")).unwrap();
    for path in [desk.path("folder"), desk.path("link"), desk.path("new/"), PathBuf::new(), ".".into(), "/".into()] {
        let error = write_whole(&path, b"one").unwrap_err();
        assert!(error.kind() == ErrorKind::BadArgument && error.message().contains("expected a file"), "{error}");
    }
    let file = desk.file("file", b"one");
    let error = write_whole(&file.join("below"), b"two").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let error = write_whole(&desk.path("nowhere/file"), b"one").unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn names_of_one_file_have_one_identity() {
    let desk = Desk::new();
    let of = |name: &str| Destination::of(&desk.path(name)).unwrap().identity();
    let old = desk.file("old", b"one");
    fs::hard_link(&old, desk.path("hard")).unwrap();
    symlink("old", desk.path("soft")).unwrap();
    symlink("new", desk.path("dangling")).unwrap();
    fs::create_dir(desk.path("folder")).unwrap();
    for (one, other) in
        [("old", "hard"), ("soft", "hard"), ("new", "new"), ("new", "dangling"), ("new", "folder/../new")]
    {
        assert!(of(one).is_some() && of(one) == of(other), "{one} and {other}");
    }
    assert_ne!(of("old"), of("new"));
    assert_ne!(of("folder/new"), of("new"));
    assert_eq!(Identity::of(&old), of("soft"));
    pipe(&desk.path("pipe"));
    assert!(of("pipe").is_some());
    if device(&desk.path("null"), "3") {
        assert_eq!(of("null"), None);
    }
}

/// Only the superuser can become somebody else, and everybody else can be refused.
#[test]
fn files_in_folders_of_others_are_written_in_place() {
    let desk = Desk::new();
    let folder = desk.path("folder");
    fs::create_dir(&folder).unwrap();
    let file = desk.file("folder/file", b"one, and longer");
    let inode = fs::metadata(&file).unwrap().ino();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let refused = fs::write(folder.join("probe"), b"").is_err();
    if refused {
        write_whole(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().ino(), inode);
        let error = write_whole(&folder.join("new"), b"one").unwrap_err();
        assert!(error.to_string().contains("folder") && !error.to_string().contains(".headwater-"), "{error}");
        fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
        assert_eq!(write_whole(&file, b"three").unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(fs::read(&file).unwrap(), b"two");
    } else {
        eprintln!("SKIPPED: folders that cannot be written: the superuser writes them all");
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
}
