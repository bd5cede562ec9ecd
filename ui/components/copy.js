// Browsers offer the clipboard interface on https and on the machine itself only; elsewhere the old way still works.
const copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const field = el("textarea")
  field.value = text
  document.body.append(field)
  field.select()
  document.execCommand("copy")
  field.remove()
}

export default function ({ data: [data], parentElement }) {
  const button = parentElement.querySelector("button")
  const face = button.querySelector(".icon")
  button.onclick = async () => {
    await copy(data.text)
    face.textContent = "check"
    button.setAttribute("aria-label", "Copied")
    setTimeout(() => {
      face.textContent = "content_copy"
      button.setAttribute("aria-label", "Copy answer")
    }, 1500)
  }
}
