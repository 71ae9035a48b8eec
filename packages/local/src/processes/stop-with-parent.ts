// Loaded into every app that `start` runs (node --import). A `start` that is killed cannot stop the apps. The operating system then
// closes the channel between the two, and the app stops itself as on SIGTERM.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel alone must not keep a process alive.
process.channel?.unref()
