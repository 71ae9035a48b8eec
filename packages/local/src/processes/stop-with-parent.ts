// Loaded into every process of ours that `start` runs (node --import). A `start` that is killed outright cannot stop what it
// started; the operating system then closes the channel between the two, and the process stops itself as on SIGTERM.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel alone must not keep a process alive that has nothing left to do.
process.channel?.unref()
