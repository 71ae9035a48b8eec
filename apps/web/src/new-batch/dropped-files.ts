/** Hidden files and what an operating system leaves in folders. */
const ignored = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i
const mostFiles = 100_000

/** Where a file was in the folder that was dropped; one that was chosen says so itself. */
const paths = new WeakMap<File, string>()

/** A name for each file: that of the file, or with its folders where two files of a folder have the same name. The name is the item's id. */
export function namesOf(files: readonly File[]): string[] {
  if (new Set(files.map(({ name }) => name)).size === files.length) return files.map(({ name }) => name)
  return files.map((file) => (paths.get(file) ?? file.webkitRelativePath) || file.name)
}

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
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    paths.set(file, entry.fullPath.replace(/^\//, ''))
    files.push(file)
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
