/** Hidden files and what an operating system leaves in folders. */
const ignored = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i
const mostFiles = 100_000

/** All files of a drop, also of folders and what is in them, in the order of their names. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  // Entries must be taken before the first await: then the browser empties the list.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const files: File[] = []
  for (const entry of entries) await collect(entry, files)
  return files
}

export function chosenFiles(list: FileList | null): File[] {
  return [...(list ?? [])].filter(({ name }) => !ignored.test(name))
}

async function collect(entry: FileSystemEntry, files: File[]): Promise<void> {
  if (ignored.test(entry.name)) return
  if (files.length >= mostFiles) throw new Error(`The folder has more than ${mostFiles} files.`)
  if (entry.isFile) {
    files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)))
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const inside: FileSystemEntry[] = []
  for (;;) {
    // A browser hands out a folder in portions of 100.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) break
    inside.push(...portion)
  }
  for (const one of inside.sort((a, b) => (a.name < b.name ? -1 : 1))) await collect(one, files)
}
