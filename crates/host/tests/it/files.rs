//! Reading and writing where a judged path leads, with somebody swapping things in between.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::{Anything, Stand, is_root};
use gate::Permit;
use host::files::{self, Expected, FileError, Written};
use policy::Place;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

struct Desk {
    stand: Stand,
    permit: Permit<Anything>,
}

impl Desk {
    async fn new() -> Desk {
        let mut stand = Stand::new().await;
        let permit = stand.permit().await;
        Desk { stand, permit }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.stand.workspace().join(name)
    }

    fn place(&self, spelled: &str) -> Place {
        self.stand.scene.workspace.place(spelled).unwrap()
    }

    fn read(&self, place: &Place) -> Result<Vec<u8>, FileError> {
        files::open(&self.permit, place)?.read_whole(1000)
    }

    fn write(&self, place: &Place, content: &[u8]) -> Result<Written, FileError> {
        files::replace(&self.permit, place, content, Expected::Anything)
    }
}

#[tokio::test]
async fn a_file_is_read_through_the_links_that_were_judged() {
    let desk = Desk::new().await;
    fs::create_dir(desk.at("real")).unwrap();
    fs::write(desk.at("real/a"), "hello").unwrap();
    symlink("real", desk.at("link")).unwrap();
    assert_eq!(desk.read(&desk.place("link/a")).unwrap(), b"hello");
}

#[tokio::test]
async fn a_link_swapped_in_after_the_judging_is_never_followed() {
    let desk = Desk::new().await;
    let secret = desk.stand.folder.path().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("a"), "key").unwrap();
    fs::create_dir(desk.at("dir")).unwrap();
    fs::write(desk.at("dir/a"), "hello").unwrap();
    fs::write(desk.at("a"), "hello").unwrap();
    let (in_folder, file, new) = (desk.place("dir/a"), desk.place("a"), desk.place("later/deep/a"));

    fs::remove_dir_all(desk.at("dir")).unwrap();
    symlink(&secret, desk.at("dir")).unwrap();
    fs::remove_file(desk.at("a")).unwrap();
    symlink(secret.join("a"), desk.at("a")).unwrap();
    symlink(&secret, desk.at("later")).unwrap();

    for place in [&in_folder, &file, &new] {
        assert!(matches!(desk.read(place), Err(FileError::Changed(_))), "{:?}", desk.read(place));
        assert!(matches!(desk.write(place, b"gotcha"), Err(FileError::Changed(_))));
        assert!(matches!(files::preview(place, 1000), Err(FileError::Changed(_))));
    }
    assert_eq!(fs::read(secret.join("a")).unwrap(), b"key");
    assert_eq!(fs::read_dir(&secret).unwrap().count(), 1);
}

#[tokio::test]
async fn only_regular_files_are_read_and_nothing_hangs() {
    let desk = Desk::new().await;
    let pipe = desk.at("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(desk.at("socket")).unwrap();
    for (path, kind) in
        [("pipe", "a pipe"), ("/dev/zero", "a device"), ("socket", "a socket"), ("/dev/null", "a device")]
    {
        let place = desk.place(path);
        for refused in [desk.read(&place).map(|_| ()), desk.write(&place, b"x").map(|_| ())] {
            assert!(matches!(refused, Err(FileError::Special(_, said)) if said == kind), "{path}");
        }
    }
    assert!(matches!(desk.read(&desk.place(".")), Err(FileError::Folder(_))));
    assert!(matches!(desk.write(&desk.place("."), b"x"), Err(FileError::Folder(_))));
    assert!(matches!(desk.read(&desk.place("/")), Err(FileError::Folder(_))));
    assert!(matches!(desk.read(&desk.place("nowhere/at/all")), Err(FileError::Missing(_))));
    fs::write(desk.at("file"), "").unwrap();
    assert!(matches!(desk.read(&desk.place("file/below")), Err(FileError::NotAFolder(_))));
    assert!(matches!(desk.write(&desk.place("file/below"), b"x"), Err(FileError::NotAFolder(_))));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_window_into_a_running_program_stays_shut() {
    let desk = Desk::new().await;
    for path in ["/proc/self/environ", "/proc/self/task/../environ", "/proc/thread-self/environ", "/proc/1/status"] {
        assert!(matches!(desk.read(&desk.place(path)), Err(FileError::Window(_))), "{path}");
    }
    // What the kernel tells of the machine is no such window; it has no size, and is read all the same.
    assert!(!desk.read(&desk.place("/proc/version")).unwrap().is_empty());
    fs::create_dir(desk.at("123")).unwrap();
    fs::write(desk.at("123/x"), "plain").unwrap();
    assert_eq!(desk.read(&desk.place("123/x")).unwrap(), b"plain");
}

#[tokio::test]
async fn a_whole_read_stops_at_its_limit() {
    let desk = Desk::new().await;
    fs::write(desk.at("a"), [b'x'; 1001]).unwrap();
    assert!(matches!(desk.read(&desk.place("a")), Err(FileError::TooLarge { limit: 1000, .. })));
    fs::write(desk.at("a"), [b'x'; 1000]).unwrap();
    assert_eq!(desk.read(&desk.place("a")).unwrap().len(), 1000);
    let mut opened = files::open(&desk.permit, &desk.place("a")).unwrap();
    let mut piece = [0; 10];
    opened.read_exact(&mut piece).unwrap();
    assert_eq!((opened.size(), piece), (1000, [b'x'; 10]));
}

#[tokio::test]
async fn a_file_is_made_with_its_folders_and_replaced_with_its_mode() {
    let desk = Desk::new().await;
    let place = desk.place("new/deep/a.sh");
    assert_eq!(desk.write(&place, b"one").unwrap(), Written::New);
    fs::set_permissions(desk.at("new/deep/a.sh"), fs::Permissions::from_mode(0o751)).unwrap();
    assert_eq!(desk.write(&place, b"two").unwrap(), Written::Replaced);
    let after = fs::metadata(desk.at("new/deep/a.sh")).unwrap();
    assert_eq!((after.mode() & 0o7777, fs::read(desk.at("new/deep/a.sh")).unwrap()), (0o751, b"two".to_vec()));
    assert_eq!(fs::read_dir(desk.at("new/deep")).unwrap().count(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn another_name_of_the_same_file_keeps_the_old_content() {
    let desk = Desk::new().await;
    fs::write(desk.at("a"), "old").unwrap();
    fs::hard_link(desk.at("a"), desk.at("b")).unwrap();
    desk.write(&desk.place("a"), b"new").unwrap();
    assert_eq!(fs::read(desk.at("b")).unwrap(), b"old");
}

#[tokio::test]
async fn a_write_that_expects_a_content_fails_on_any_other() {
    let desk = Desk::new().await;
    let place = desk.place("a");
    let write = |expected: &[u8]| files::replace(&desk.permit, &place, b"new", Expected::Exactly(expected));
    assert!(matches!(write(b""), Err(FileError::Missing(_))));
    fs::write(desk.at("a"), "old!").unwrap();
    for other in [&b"old"[..], b"old?", b"old!!", b""] {
        assert!(matches!(write(other), Err(FileError::Changed(_))));
    }
    assert_eq!(fs::read(desk.at("a")).unwrap(), b"old!");
    assert_eq!(write(b"old!").unwrap(), Written::Replaced);
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_not_replaced() {
    if is_root() {
        // The account that may do everything may write everything.
        return;
    }
    let desk = Desk::new().await;
    fs::write(desk.at("a"), "old").unwrap();
    fs::set_permissions(desk.at("a"), fs::Permissions::from_mode(0o444)).unwrap();
    assert!(matches!(desk.write(&desk.place("a"), b"new"), Err(FileError::Denied(_))));
    assert_eq!(fs::read(desk.at("a")).unwrap(), b"old");
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_behind() {
    let desk = Desk::new().await;
    // A name of 255 bytes can be written; the kernel takes no longer one, and says so before anything is made.
    let longest = "x".repeat(255);
    assert_eq!(desk.write(&desk.place(&longest), b"1").unwrap(), Written::New);
    fs::remove_file(desk.at(&longest)).unwrap();
    let place = desk.place("dir/a");
    fs::create_dir_all(desk.at("dir/a")).unwrap();
    assert!(matches!(desk.write(&place, b"x"), Err(FileError::Folder(_))));
    assert_eq!(fs::read_dir(desk.at("dir")).unwrap().count(), 1);
}

#[tokio::test]
async fn an_output_is_kept_under_the_call_s_name_for_this_account_alone() {
    let desk = Desk::new().await;
    let folder = desk.stand.folder.path().join("kept/deep");
    let path = files::keep(&desk.permit, &folder, "txt", b"all of it").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"all of it");
    assert!(path.ends_with("/kept/deep/call-1.txt"), "{path}");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}
