//! The simulated disk itself.

use super::{Fault, SimulatedDisk};
use crate::store::back_end::{BackEnd, BackFile, write_all_at};
use std::io::{ErrorKind, IoSlice};

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
