//! The production driver of rotom-core: epoll, sockets and disk lanes.
