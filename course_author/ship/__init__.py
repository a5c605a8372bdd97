"""What leaves the repository: students' wheel, and wheels made again of installed packages."""
