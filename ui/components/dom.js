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
