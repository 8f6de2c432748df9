// How far an import is, on a terminal: one line that is drawn again and again. Anywhere else nothing.
export interface Progress {
  show(line: string): void
  /** Prints a line of its own above. */
  print(line: string): void
  clear(): void
}

const redrawMs = 100

export function openProgress(
  terminal: { readonly isTTY?: boolean; write(text: string): unknown },
  now: () => number,
): Progress {
  let drawnAt = -Infinity
  let drawn = false
  const clear = (): void => {
    if (drawn) terminal.write('\r\u001b[K')
    drawn = false
  }
  return {
    show(line) {
      if (terminal.isTTY !== true || now() - drawnAt < redrawMs) return
      terminal.write(`\r\u001b[K${line}`)
      drawnAt = now()
      drawn = true
    },
    print(line) {
      clear()
      terminal.write(`${line}\n`)
    },
    clear,
  }
}
