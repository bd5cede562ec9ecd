// Shared by all components. Elements are built one by one and texts are set as text: no HTML is ever parsed.
const el = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined && text !== null) node.textContent = text
  return node
}

const icon = (name) => {
  const node = el("span", "icon", name)
  node.setAttribute("aria-hidden", "true")
  return node
}

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`

const place = (item) => [item.page ? `p. ${item.page}` : "", item.heading || ""].filter(Boolean).join(" · ")

// The Python side already let only http, https and mailto through; this is the second look.
const followable = (href) => {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(href).protocol)
  } catch {
    return false
  }
}

// A passage in parts: runs of text, and tables.
const drawParts = (parts) => parts.map((part) => (part.rows.length ? drawTable(part.rows) : part.strong ? el("strong", "", part.text) : document.createTextNode(part.text)))

const drawTable = ([header, ...rows]) => {
  const table = el("table")
  const head = el("thead")
  head.append(drawCells(header, "th"))
  const body = el("tbody")
  body.append(...rows.map((row) => drawCells(row, "td")))
  table.append(head, body)
  const scroll = el("div", "scroll")
  scroll.tabIndex = 0
  scroll.append(table)
  return scroll
}

const drawCells = (row, tag) => {
  const line = el("tr", row.strong ? "strong" : "")
  line.append(...row.cells.map((cell) => el(tag, "", cell)))
  return line
}

const link = (href, host, label) => {
  const anchor = el("a", "link")
  anchor.append(...label)
  if (!followable(href)) return anchor
  anchor.href = href
  anchor.target = "_blank"
  anchor.rel = "noopener noreferrer nofollow"
  anchor.referrerPolicy = "no-referrer"
  anchor.title = href
  if (anchor.textContent.indexOf(host) < 0) anchor.append(el("span", "host", ` (${host})`))
  return anchor
}
