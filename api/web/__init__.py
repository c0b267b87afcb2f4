"""The pages people see: the control room for staff, an everyday tool on the app host."""
