package store

func victim(dir string) {}
