"""The array dynamics as compiled programs with a reverse: one period is traced once, then played and differentiated at speed."""
