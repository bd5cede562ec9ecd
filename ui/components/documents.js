const statusCell = (row) => {
  const cell = el("td", "state")
  const line = el("div", "line")
  const chip = el("span", `chip ${row.status}`)
  chip.append(icon(row.icon), el("span", "", row.label))
  line.append(chip)
  if (row.note) line.append(el("span", "note", row.note))
  cell.append(line)
  if (row.status === "running") {
    const track = el("div", "track")
    track.setAttribute("role", "progressbar")
    track.setAttribute("aria-valuenow", String(Math.round(row.progress * 100)))
    track.setAttribute("aria-label", `Reading ${row.title}`)
    const fill = el("div", "fill")
    fill.style.width = `${Math.round(row.progress * 100)}%`
    track.append(fill)
    cell.append(track)
  }
  if (row.reason) cell.append(el("div", "reason", row.reason))
  return cell
}

const titleCell = (row, open) => {
  const cell = el("td", "name")
  const button = el("button", "title", row.title)
  button.type = "button"
  button.onclick = () => open(row.id)
  cell.append(button)
  if (row.path && row.path !== row.title) cell.append(el("div", "path", row.path))
  return cell
}

const drawRow = (row, ticked, tick, open) => {
  const line = el("tr", ticked.has(row.id) ? "ticked" : "")
  const cell = el("td", "tick")
  const box = el("input")
  box.type = "checkbox"
  box.checked = ticked.has(row.id)
  box.setAttribute("aria-label", `Select ${row.title}`)
  box.onchange = () => tick(row.id, box.checked)
  cell.append(box)
  line.append(cell, titleCell(row, open), statusCell(row), el("td", "num", row.chunks), el("td", "num", row.size), el("td", "when", row.added))
  return line
}

// Rows are told apart by id, so a row that moves while people tick does not hand its tick to another document.
export default function ({ data: [data], parentElement, setStateValue, setTriggerValue }) {
  const body = parentElement.querySelector("tbody")
  const shown = data.rows.map((row) => row.id)
  const ticked = new Set(data.selected.filter((id) => shown.includes(id)))
  const send = () => setStateValue("selected", [...ticked])
  const tick = (id, on) => {
    if (on) ticked.add(id)
    else ticked.delete(id)
    send()
  }
  const open = (id) => setTriggerValue("open", id)
  const held = parentElement.activeElement && parentElement.activeElement.getAttribute("aria-label")
  body.replaceChildren(...data.rows.map((row) => drawRow(row, ticked, tick, open)))
  if (held) {
    const again = [...parentElement.querySelectorAll("input")].find((box) => box.getAttribute("aria-label") === held)
    if (again) again.focus()
  }
  const all = parentElement.querySelector(".all")
  all.checked = shown.length > 0 && ticked.size === shown.length
  all.indeterminate = ticked.size > 0 && ticked.size < shown.length
  all.onchange = () => {
    shown.forEach((id) => (all.checked ? ticked.add(id) : ticked.delete(id)))
    send()
  }
}
