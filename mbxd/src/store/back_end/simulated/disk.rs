//! The handle on a simulated disk and its files.

use super::super::{BackEnd, BackFile, Lock, len_u64};
use super::state::{Inode, Snapshot, State, Trouble};
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
        state.trouble = Some(Trouble { first, end: first.saturating_add(times), every: 1, fault });
    }

    /// Lets every `every`-th operation fail, beginning with the `first`-th from now.
    pub fn fail_every(&self, first: u64, every: u64, fault: Fault) {
        let mut state = self.state();
        let first = state.operations.saturating_add(first);
        state.trouble = Some(Trouble { first, end: u64::MAX, every, fault });
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

    /// Operations that failed so far.
    pub fn failures(&self) -> u64 {
        self.state().failures
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
        state.inodes_of(prefix).map(|inode| inode.syncs).sum()
    }

    /// Bytes written so far to the files whose names begin like this.
    pub fn written(&self, prefix: &str) -> u64 {
        let state = self.state();
        state.inodes_of(prefix).map(|inode| inode.written).sum()
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

    /// Flips a bit of a file behind the user's back, durable at once; says whether the file has
    /// such a byte.
    pub fn flip(&self, name: &str, offset: u64, bit: u8) -> bool {
        let mut state = self.state();
        let state = &mut *state;
        let inode = state.names.get(name).and_then(|inode| state.inodes.get_mut(inode));
        let (Some(inode), Ok(offset)) = (inode, usize::try_from(offset)) else { return false };
        let flip = |bytes: &mut Vec<u8>| {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= 1_u8.rotate_left(bit.into());
            }
        };
        flip(&mut inode.durable);
        flip(&mut inode.now);
        offset < inode.now.len()
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
        let trouble = state.trouble.as_ref().filter(|trouble| trouble.hits(now));
        let fault = trouble.map(|trouble| trouble.fault);
        state.failures = state.failures.saturating_add(u64::from(fault.is_some()));
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
        let mut bytes = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        for piece in pieces {
            bytes.extend_from_slice(piece);
        }
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
