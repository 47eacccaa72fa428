// Sets the theme that was chosen before anything is drawn. Without a choice, the system's is taken.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser may keep nothing; then the system's theme is taken.
}
