//! Room, inodes, writing and memory are taken from a running daemon; its files are changed under it.
//!
//! Needs root for all but the reloads: a small file system of its own is mounted from a file.

use crate::programme::{Programme, Run};
use crate::scene::Scene;
use mbx_tests::installation::FIRST;
use rand::RngExt as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The programme.
pub(crate) const RESOURCES: Programme = Programme {
    name: "resources",
    what: "a full disk, no inodes, a disk that stops being written, little memory, bad reloads",
    run,
};

/// The reloads of one round.
const RELOADS: usize = 100;

/// How long something is taken away.
const AWAY: Duration = Duration::from_secs(4);

fn run(round: &mut Run) {
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return round.finding("no runtime can be started");
    };
    runtime.block_on(async {
        if rustix::process::geteuid().is_root() {
            full(round, "size=").await;
            full(round, "inodes").await;
            stops_being_written(round).await;
            little_memory(round).await;
        }
        reloads(round).await;
    });
}

/// Watermarks for a disk of 64 MiB.
const SMALL: &str = "[store]\nsegment_size = \"4 MiB\"\nstop_deliveries_below = \"8 MiB\"\n\
                     stop_writes_below = \"4 MiB\"\n";

/// Somebody else fills the disk, or takes every inode, and gives it back.
async fn full(round: &mut Run, what: &str) {
    let options = if what == "inodes" { &["-N", "64"][..] } else { &[] };
    let Ok(disk) = Disk::mount(options) else { return round.finding("no disk can be mounted") };
    let scene = Scene::new(disk.config(), |_| {});
    for _ in 0..3 {
        let running = scene.start_load();
        tokio::time::sleep(AWAY / 2).await;
        let foreign = disk.path.join("foreign");
        if fs::create_dir(&foreign).is_err() {
            round.finding("the disk was full before it was filled");
        }
        if what == "inodes" {
            take_inodes(&foreign);
        } else {
            take_room(&foreign);
        }
        tokio::time::sleep(AWAY).await;
        note(round, what, running.stop().await);
        if fs::remove_dir_all(&foreign).is_err() {
            round.finding("what filled the disk cannot be removed");
        }
        scene.recovers(round, what).await;
        round.done(1, "disks filled");
    }
    let scene = scene.restart(|| {});
    scene.end(round, what).await;
}

fn note(round: &mut Run, what: &str, findings: Vec<String>) {
    for finding in findings {
        round.finding(format_args!("{what}: {finding}"));
    }
}

fn take_room(folder: &Path) {
    let block = vec![0; 64 * 1024];
    for number in 0.. {
        if fs::write(folder.join(number.to_string()), &block).is_err() {
            return;
        }
    }
}

fn take_inodes(folder: &Path) {
    for number in 0.. {
        if fs::write(folder.join(number.to_string()), "").is_err() {
            return;
        }
    }
}

/// The file system shuts itself for writing, as it does when its device fails.
async fn stops_being_written(round: &mut Run) {
    let what = "no longer written";
    let Ok(mut disk) = Disk::mount(&[]) else { return round.finding("no disk can be mounted") };
    let scene = Scene::new(disk.config(), |_| {});
    let running = scene.start_load();
    tokio::time::sleep(AWAY / 2).await;
    let before = scene.delivered();
    disk.shut();
    tokio::time::sleep(AWAY).await;
    let last = scene.delivered();
    // One that was written just before may have been answered after.
    if last > before + 64 {
        round.finding(format_args!("{what}: {} deliveries were accepted", last - before));
    }
    note(round, what, running.stop().await);
    let scene = scene.restart(|| disk.mount_again());
    scene.recovers(round, what).await;
    round.done(1, "disks shut for writing");
    scene.end(round, what).await;
}

/// A group that may not use much memory: the daemon lives on, or is killed and loses nothing.
async fn little_memory(round: &mut Run) {
    let what = "little memory";
    let group = PathBuf::from("/sys/fs/cgroup/memory").join(format!("mbx-{}", std::process::id()));
    if fs::create_dir(&group).is_err() {
        return round.done(0, "memory limits");
    }
    let scene = Scene::new(String::new(), |_| {});
    let pid = scene.installation().pid().to_string();
    let joined = fs::write(group.join("cgroup.procs"), pid);
    let mut random = round.rng("memory");
    let limit = random.random_range(24..96_u64) * 1024 * 1024;
    let limited = fs::write(group.join("memory.limit_in_bytes"), limit.to_string());
    if joined.is_err() || limited.is_err() {
        round.finding(format_args!("{what}: no limit can be set"));
    }
    let running = scene.start_load();
    tokio::time::sleep(2 * AWAY).await;
    note(round, what, running.stop().await);
    let scene = scene.restart(|| {});
    scene.recovers(round, what).await;
    scene.end(round, what).await;
    round.done(1, "memory limits");
    // Empty again, now that its process has ended.
    if fs::remove_dir(&group).is_err() {
        round.finding(format_args!("{what}: the group stays"));
    }
}

/// Files that a reload must refuse: what stands in them, and in which file of the installation.
const BAD: [(&str, &str); 6] = [
    ("conf.d/95-change.toml", "[policy\nrestore_window = \"20 d\"\n"),
    ("conf.d/95-change.toml", "[policy]\nno_such_key = 1\n"),
    ("conf.d/95-change.toml", "[policy]\nrestore_window = \"soon\"\n"),
    ("conf.d/95-change.toml", "\u{0}\u{0}\u{0}\u{0}"),
    ("pki/server.pem", "-----BEGIN CERTIFICATE-----\nMIIB"),
    ("pki/portal.jwt.pub", ""),
];

/// A hundred reloads in a row under load, good and bad ones in turn.
async fn reloads(round: &mut Run) {
    let scene = Scene::new(String::new(), |_| {});
    let installation = scene.installation();
    let (mut random, running) = (round.rng("reloads"), scene.start_load());
    let mut window = String::from("30 d");
    for number in 0..RELOADS {
        let is_bad = random.random();
        let (refused, used) = ("the old one stays", "read anew");
        let count = |words: &str| installation.log().matches(words).count();
        let (before, words) = if is_bad { (count(refused), refused) } else { (count(used), used) };
        let mut kept = None;
        if is_bad {
            let (name, text) =
                BAD.get(random.random_range(0..BAD.len())).copied().unwrap_or_default();
            let path = installation.path(name);
            kept = Some((path.clone(), fs::read(&path).ok()));
            assert!(fs::write(path, text).is_ok(), "a bad file");
        } else {
            window = format!("{} d", 20 + number % 10);
            let text = format!("[policy]\nrestore_window = \"{window}\"\n");
            let path = installation.path("conf.d/95-change.toml");
            assert!(fs::write(path, text).is_ok(), "a good file");
        }
        installation.reload();
        let mut waited = 0;
        while count(words) == before && waited < 500 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            waited += 1;
        }
        if count(words) == before {
            round.finding(format_args!("reload {number}: nothing said {words:?}"));
        }
        if let Some((path, text)) = kept {
            let restored =
                text.map_or_else(|| fs::remove_file(&path), |text| fs::write(&path, text));
            assert!(restored.is_ok(), "the file as it was");
        }
        let shown = installation.mbxctl(FIRST, &["config", "show"]);
        if number > 0 && !String::from_utf8_lossy(&shown.stdout).contains(&window) {
            round.finding(format_args!("reload {number}: {window} is not in force"));
        }
        round.done(1, "reloads");
    }
    note(round, "reloads", running.stop().await);
    scene.recovers(round, "reloads").await;
    scene.end(round, "reloads").await;
}

/// A small file system in a file.
struct Disk {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Disk {
    /// Makes one of 64 MiB and mounts it.
    fn mount(options: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("disk");
        fs::create_dir(&path)?;
        let disk = Self { folder, path };
        fs::File::create(disk.image())?.set_len(64 * 1024 * 1024)?;
        run_tool(
            Command::new("mkfs.ext4").args(["-q", "-m", "0"]).args(options).arg(disk.image()),
        )?;
        disk.mount_image()?;
        fs::create_dir(disk.path.join("state"))?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount_image(&self) -> io::Result<()> {
        run_tool(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(&self.path))
    }

    /// Settings that put the state there.
    fn config(&self) -> String {
        format!("[paths]\nstate = \"{}/state\"\n{SMALL}", self.path.display())
    }

    /// No write succeeds from now on.
    fn shut(&mut self) {
        let shut = run_tool(Command::new("mount").args(["-o", "remount,abort"]).arg(&self.path));
        // What it returns differs; what counts is that nothing is written any more.
        let probe = fs::write(self.path.join("probe"), "");
        assert!(probe.is_err(), "the disk is still written: {shut:?}");
    }

    /// As after a restart of the machine.
    fn mount_again(&mut self) {
        let mounted = run_tool(Command::new("umount").arg(&self.path))
            .and_then(|()| {
                run_tool(Command::new("fsck.ext4").arg("-fy").arg(self.image())).or(Ok(()))
            })
            .and_then(|()| self.mount_image());
        assert!(mounted.is_ok(), "the disk is not back: {mounted:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = run_tool(Command::new("umount").arg("-l").arg(&self.path)) {
            // It is told, and the folder stays.
            assert!(std::thread::panicking(), "the disk stays mounted: {error}");
        }
    }
}

fn run_tool(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
}
