//! The handle on a simulated disk and its files.

use super::super::{BackEnd, BackFile, Lock, len_u64};
use super::state::{Inode, Snapshot, State};
use std::io::{self, ErrorKind, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// `ENOSPC`; of a write, half may have been done.
    NoSpace,
    /// `EIO`; of a write, half may have been done, of a sync, any part.
    Io,
    /// A write does half and says so; other operations fail with `EIO`.
    Short,
}

/// Called before every operation with its number and the disk as it stands.
pub type Probe = Box<dyn FnMut(u64, &Snapshot<'_>) + Send>;

/// A simulated disk. Clones are handles on the same one.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    probe: Mutex<Option<Probe>>,
}

impl SimulatedDisk {
    /// An empty disk without an end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `times` operations fail, beginning with the `first`-th from now (0 = the next one).
    pub fn fail(&self, first: u64, times: u64, fault: Fault) {
        let mut state = self.state();
        let first = state.operations.saturating_add(first);
        state.trouble = Some((first, first.saturating_add(times), fault));
    }

    /// Ends all trouble.
    pub fn heal(&self) {
        self.state().trouble = None;
    }

    /// Sets what is called before every operation.
    pub fn probe(&self, probe: Option<Probe>) {
        *self.0.probe.lock().unwrap_or_else(PoisonError::into_inner) = probe;
    }

    /// Sets how many bytes the disk holds; `None` = without an end.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.state().capacity = capacity;
    }

    /// Bytes that all files take.
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// Operations so far, reading included.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Has the disk remember what each operation is from now on.
    pub fn remember(&self) {
        self.state().remembered = Some(Vec::new());
    }

    /// What each operation was since [`SimulatedDisk::remember`]: the verb and what it was done to,
    /// files of one folder alike (`write log`).
    pub fn remembered(&self) -> Vec<String> {
        self.state().remembered.clone().unwrap_or_default()
    }

    /// Syncs so far of the files whose names begin like this.
    pub fn syncs(&self, prefix: &str) -> u64 {
        let state = self.state();
        let inodes = state.names.iter().filter(|(name, _)| name.starts_with(prefix));
        inodes.filter_map(|(_, inode)| state.inodes.get(inode)).map(|inode| inode.syncs).sum()
    }

    /// [`Snapshot::after_kill`] of this moment.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        Snapshot(&self.state()).after_kill()
    }

    /// [`Snapshot::after_power_loss`] of this moment.
    #[must_use]
    pub fn after_power_loss(&self, seed: u64) -> Self {
        Snapshot(&self.state()).after_power_loss(seed)
    }

    /// The whole of a file as it stands; `None` = no such file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.inodes.get(state.names.get(name)?).map(|inode| inode.now.clone())
    }

    /// Replaces a file behind the user's back, durable at once.
    pub fn replace(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let inode = state.link(name);
        state.durable_names.insert(name.to_owned(), inode);
        state.inodes.insert(inode, Inode::durable(bytes));
    }

    /// Removes a file behind the user's back, durable at once.
    pub fn delete(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.durable_names.remove(name);
    }

    /// Every file's name.
    pub fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    pub(super) fn from_state(state: State) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(state), probe: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation on this file or folder, shows the disk to the probe, and says what goes
    /// wrong with it.
    fn begin(&self, verb: &str, name: &str) -> (MutexGuard<'_, State>, Option<Fault>) {
        let mut probe = self.0.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if let Some(probe) = &mut *probe {
            probe(state.operations, &Snapshot(&state));
        }
        drop(probe);
        let now = state.operations;
        state.operations = now.saturating_add(1);
        if let Some(remembered) = &mut state.remembered {
            let place = name.split_once('/').map_or(name, |(folder, _)| folder);
            remembered.push(format!("{verb} {place}"));
        }
        let fault = state
            .trouble
            .and_then(|(first, end, fault)| (first..end).contains(&now).then_some(fault));
        (state, fault)
    }

    /// As [`SimulatedDisk::begin`] for an operation that is done whole or not at all.
    fn begin_whole(&self, verb: &str, name: &str) -> io::Result<MutexGuard<'_, State>> {
        let (state, fault) = self.begin(verb, name);
        fault.map_or(Ok(state), |fault| Err(fault.error()))
    }

    fn file(&self, name: &str, inode: u64) -> Arc<dyn BackFile> {
        Arc::new(SimulatedFile { disk: self.clone(), name: name.to_owned(), inode })
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::NoSpace => ErrorKind::StorageFull.into(),
            Self::Io | Self::Short => io::Error::other("simulated I/O error"),
        }
    }
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedDisk")
    }
}

impl BackEnd for SimulatedDisk {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        self.begin_whole("make", name).map(|_| ())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.begin_whole("list", folder)?;
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names = state.names.keys().filter_map(|name| name.strip_prefix(&prefix));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn BackFile>> {
        let mut state = self.begin_whole("create", name)?;
        if state.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state.link(name);
        state.pending_names.push(vec![(name.to_owned(), Some(inode))]);
        Ok(self.file(name, inode))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn BackFile>> {
        let state = self.begin_whole("open", name)?;
        let inode = state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(self.file(name, *inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.begin_whole("rename", from)?;
        let inode = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        state.pending_names.push(vec![(to.to_owned(), Some(inode)), (from.to_owned(), None)]);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.begin_whole("remove", name)?;
        state.names.remove(name).ok_or(ErrorKind::NotFound)?;
        state.pending_names.push(vec![(name.to_owned(), None)]);
        Ok(())
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.begin_whole("sync folder", name)?.sync_names(name);
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>> {
        let mut state = self.begin_whole("lock", name)?;
        if !state.locked.insert(name.to_owned()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimulatedLock { disk: self.clone(), name: name.to_owned() }))
    }
}

#[derive(Debug)]
struct SimulatedLock {
    disk: SimulatedDisk,
    name: String,
}

impl Lock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.name);
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    /// As it was when it was opened.
    name: String,
    inode: u64,
}

impl BackFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        Ok(state.inodes.get(&self.inode).map_or(0, |inode| len_u64(inode.now.len())))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.begin_whole("read", &self.name)?;
        let offset = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let bytes = state.inodes.get(&self.inode).and_then(|inode| inode.now.get(offset..));
        let bytes = bytes.unwrap_or_default();
        let len = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), bytes.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    fn write_at(&self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let (mut state, fault) = self.disk.begin("write", &self.name);
        let offset = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let len = if fault.is_some() { bytes.len() / 2 } else { bytes.len() };
        state.back(self.inode, offset, offset.saturating_add(len))?;
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.write(offset, bytes.get(..len).unwrap_or_default());
        }
        match fault {
            None => Ok(len),
            Some(Fault::Short) if len > 0 => Ok(len),
            Some(fault) => Err(fault.error()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let (mut state, fault) = self.disk.begin("sync", &self.name);
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.syncs = inode.syncs.saturating_add(1);
        }
        if let Some(fault) = fault {
            state.fail_sync(self.inode);
            return Err(fault.error());
        }
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.sync();
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.begin_whole("cut", &self.name)?;
        let len = usize::try_from(len).map_err(|_| ErrorKind::InvalidInput)?;
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.set_len(len);
        }
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.begin_whole("allocate", &self.name)?;
        let len = usize::try_from(len).map_err(|_| ErrorKind::InvalidInput)?;
        state.back(self.inode, 0, len)?;
        if let Some(inode) = state.inodes.get_mut(&self.inode)
            && inode.now.len() < len
        {
            inode.set_len(len);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::write_all_at;
    use super::*;

    fn write(file: &dyn BackFile, offset: u64, bytes: &[u8]) {
        write_all_at(file, offset, &mut [IoSlice::new(bytes)]).unwrap();
    }

    #[test]
    fn what_was_synced_survives_every_power_loss_and_the_rest_some() {
        let disk = SimulatedDisk::new();
        let file = disk.create("file").unwrap();
        disk.sync_folder("").unwrap();
        write(&*file, 0, &[1; 1024]);
        file.sync().unwrap();
        write(&*file, 512, &[2; 1024]);
        let images: Vec<_> =
            (0..200).map(|seed| disk.after_power_loss(seed).contents("file").unwrap()).collect();
        assert!(images.iter().all(|image| image.starts_with(&[1; 512])));
        assert!(images.iter().any(|image| image[512..] == [1; 512]), "all lost");
        assert!(images.iter().any(|image| image[512..] == [2; 1024]), "none lost");
        assert!(images.iter().any(|image| image[512..1024] == [1; 512] && image.len() == 1536));
        assert_eq!(disk.after_kill().contents("file").unwrap()[512..], [2; 1024]);
    }

    #[test]
    fn a_name_without_a_folder_sync_may_be_lost() {
        let disk = SimulatedDisk::new();
        disk.create("log/a").unwrap().sync().unwrap();
        assert!((0..50).any(|seed| disk.after_power_loss(seed).names().is_empty()));
        disk.sync_folder("").unwrap();
        assert!((0..50).any(|seed| disk.after_power_loss(seed).names().is_empty()));
        disk.sync_folder("log").unwrap();
        assert!((0..50).all(|seed| disk.after_power_loss(seed).names() == ["log/a"]));
    }

    #[test]
    fn after_a_failed_sync_a_second_one_succeeds_and_saves_nothing() {
        let disk = SimulatedDisk::new();
        let file = disk.create("file").unwrap();
        disk.sync_folder("").unwrap();
        write(&*file, 0, &[7; 8192]);
        disk.fail(0, 1, Fault::Io);
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert_eq!(disk.contents("file").unwrap(), [7; 8192]);
        assert_ne!(disk.after_power_loss(1).contents("file").unwrap(), [7; 8192]);
    }

    #[test]
    fn a_full_disk_refuses_growth_only() {
        let disk = SimulatedDisk::new();
        let file = disk.create("file").unwrap();
        file.allocate(8192).unwrap();
        disk.set_capacity(Some(8192));
        write(&*file, 0, &[1; 8192]);
        file.set_len(20_000).unwrap();
        let error = file.write_at(8192, &[IoSlice::new(&[1])]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(disk.free_bytes().unwrap(), 0);
        file.set_len(4096).unwrap();
        assert_eq!(disk.free_bytes().unwrap(), 4096);
    }

    #[test]
    fn a_short_write_is_gone_on_with() {
        let disk = SimulatedDisk::new();
        let file = disk.create("file").unwrap();
        disk.fail(0, 1, Fault::Short);
        write(&*file, 0, &[5; 100]);
        assert_eq!(disk.contents("file").unwrap(), [5; 100]);
    }
}
