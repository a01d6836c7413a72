import Glibc

extension SystemError {
    /// What to do where a file cannot be made or written because of this.
    package var remedyOfWriting: String {
        switch code {
        case ENOSPC: "make room on its disk (df), or remove files where it has no inodes left (df -i)"
        case EDQUOT: "make room, or raise the disk quota of the service's user"
        case EFBIG: "raise the service's limit of the size of a file (LimitFSIZE=, ulimit -f)"
        case EMFILE: "raise the service's limit of open files (LimitNOFILE=, ulimit -n)"
        case ENFILE: "raise the host's limit of open files (sysctl fs.file-max)"
        case ENOMEM, ENOBUFS: "give the service, or this host, more memory"
        case EROFS: "mount its file system for writing, or let the unit write there (ReadWritePaths=)"
        case ENOENT: "create its directory and let the service's user write to it"
        case ENOTDIR: "a part of its path is no directory: correct the path"
        case ELOOP, ENAMETOOLONG, EINVAL: "correct its path"
        case EISDIR, ENOTEMPTY, EEXIST: "move away what has its name"
        case EBUSY: "give a container its directory rather than the file alone"
        case EACCES, EPERM: "let the service's user write to its directory"
        case EIO, ESTALE, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ENOTCONN, ENXIO, ENODEV, EREMOTEIO:
            "repair the disk, or whatever serves it"
        default: "see that the service's user may write to its directory, and that the disk is sound"
        }
    }

    /// The same where a file or a directory that should be there cannot be opened; `nil` where it is up to that itself.
    package var remedyOfOpening: String? {
        switch code {
        case EROFS, ENOTDIR, ELOOP, ENAMETOOLONG: remedyOfWriting
        default: isOfTheHost ? remedyOfWriting : nil
        }
    }
}
