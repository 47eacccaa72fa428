//! The system calls that a confined program may not make.
//!
//! Not here: why some of them matter more than others (that is `confine`).
//!
//! A list of what is forbidden, not of what is allowed: files, processes and the network are held by mounts and namespaces,
//! and an allow-list would break honest programs with each new version of their libraries.

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};
use std::collections::BTreeMap;

/// Forbidden whatever the arguments.
const FORBIDDEN: &[c_long] = &[
    // Calls that a filter does not see.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other programs' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Keyrings know nothing of namespaces.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Other namespaces and other mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Files by something other than their path.
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    // The machine itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_vhangup,
];

/// The namespaces that `clone` could make.
const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The type of a socket, without the flags that travel with it.
const SOCKET_TYPE: u64 = 0xf;

/// The filters, in the order in which they are put on.
pub(super) fn filters() -> Result<Vec<BpfProgram>, BackendError> {
    let forbidden = filter(rules()?, libc::EPERM)?;
    // Its flags are in memory, where a filter cannot look. Told that there is no such call, libraries use `clone`.
    let hidden = filter(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    Ok(vec![without_x32(hidden), without_x32(forbidden)])
}

fn filter(rules: BTreeMap<c_long, Vec<SeccompRule>>, error: libc::c_int) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

fn rules() -> Result<BTreeMap<c_long, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    let is_not = |value: libc::c_int| is(0, SeccompCmpOp::Ne, value);
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(vec![is_not(libc::AF_INET)?, is_not(libc::AF_INET6)?])?]);
    // A pair of datagram sockets can still be pointed at a third by its path; a pair of stream sockets cannot.
    rules.insert(
        libc::SYS_socketpair,
        vec![
            SeccompRule::new(vec![is_not(libc::AF_UNIX)?])?,
            SeccompRule::new(vec![is(1, SeccompCmpOp::MaskedEq(SOCKET_TYPE), libc::SOCK_DGRAM)?])?,
            SeccompRule::new(vec![is(1, SeccompCmpOp::MaskedEq(SOCKET_TYPE), libc::SOCK_RAW)?])?,
        ],
    );
    let namespaces = NAMESPACES
        .iter()
        .map(|flag| SeccompRule::new(vec![is(0, SeccompCmpOp::MaskedEq(u64::from(flag.unsigned_abs())), *flag)?]));
    rules.insert(libc::SYS_clone, namespaces.collect::<Result<_, _>>()?);
    // Putting letters into a terminal's input.
    let letters = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| {
        let request = u64::from(u32::try_from(request).unwrap_or(u32::MAX));
        SeccompRule::new(vec![SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request)?])
    });
    rules.insert(libc::SYS_ioctl, letters.into_iter().collect::<Result<_, _>>()?);
    Ok(rules)
}

fn is(argument: u8, operator: SeccompCmpOp, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, u64::from(value.unsigned_abs()))
}

/// Puts in front of a filter: whatever call has a number from the x32 table does not exist.
///
/// On x86-64 each call has a second number there, which the rules below would not know.
fn without_x32(filter: BpfProgram) -> BpfProgram {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const X32: u32 = 0x4000_0000;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let mut whole = vec![
        sock_filter { code: LOAD, jt: 0, jf: 0, k: 0 },
        sock_filter { code: IF_AT_LEAST, jt: 0, jf: 1, k: X32 },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: refuse },
    ];
    whole.extend(filter);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_can_be_made_for_this_machine() {
        let filters = filters().expect("a known architecture");
        assert!(filters.len() == 2 && filters.iter().all(|filter| filter.len() > 3 && filter.len() < 4096));
    }
}
